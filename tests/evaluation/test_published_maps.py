"""Maps and errors of published models, against known answers."""

import numpy as np
import pytest
import torch
from nofreelunch.evaluation.measure_published import measure_published
from nofreelunch.evaluation.published import leaky_tanh, rnn
from nofreelunch.evaluation.rate_maps import Ridge
from nofreelunch.scoring.grid_scores import grid_scores
from nofreelunch.task.still_walks import still_walk
from nofreelunch.training.train_published import train_published
from published_examples import BOXED, job, walks


@pytest.mark.parametrize("kind", BOXED)
def test_maps_have_the_units_and_errors_on_both_lengths_of_walks(kind):
    trained = train_published(job(kind, {}, {"seed": 1}), walks(kind), "cpu")
    maps = measure_published(
        trained, walks(kind, 40, seed=2), walks(kind, 30, 60, seed=3), 0.2, 0.1
    )
    assert dict(maps["rate_map"].sizes) == {"network": 2, "unit": 12, "y": 11, "x": 11}
    assert maps["horizon"].values.tolist() == [20, 60]
    assert np.isfinite(maps["position_error"]).all()
    assert int(maps["occupancy"].sum()) <= 40 * 20
    first, whole = maps["ridge_by_horizon"].transpose("horizon", "network").values
    np.testing.assert_array_equal(whole, maps["ridge_error"])
    assert (first != whole).all()
    assert maps["own_60"].shape == maps["own_90"].shape == (2, 12)
    assert maps["own_60"].attrs["bin_size"] == 0.1
    assert ("error_beyond" in maps) == (kind == "rnn")


def test_with_the_papers_bins_maps_have_the_scores_of_all_walks():
    trained = train_published(job("rnn"), walks("rnn"), "cpu")
    maps = measure_published(trained, walks("rnn", 400, seed=2), walks("rnn", 30, 60), 0.2, 0.2)
    expected = grid_scores(maps["rate_map"]).sel(definition="min_max")
    np.testing.assert_allclose(maps["own_60"], expected["score_60"], atol=1e-6)
    np.testing.assert_allclose(maps["own_90"], expected["score_90"], atol=1e-6)


def test_the_error_of_a_silent_leaky_network_is_the_distance_from_the_middle():
    cohort = job("leaky_tanh", {"steps": 0})
    trained = train_published(cohort, walks("leaky_tanh"), "cpu")  # its outputs are zero
    evaluation = still_walk(30, 60, 2, "square", 0.5)
    maps = measure_published(trained, evaluation, evaluation, 0.2, 0.1)
    distance = np.linalg.norm(evaluation["position"].values[:, 1:], axis=-1)
    np.testing.assert_allclose(maps["error_by_step"].values[0], distance.mean(0), rtol=1e-5)
    expected = distance.mean()
    np.testing.assert_allclose(maps["position_error"].values[0], expected, rtol=1e-5)
    since = leaky_tanh.since_wall(evaluation["wall"].values.T).T
    found = maps["error_since_wall"].sel(since=2).item()
    np.testing.assert_allclose(found, distance[(since >= 2) & (since < 5)].mean(), rtol=1e-5)


def test_leaky_networks_report_positions_in_metres():
    cohort = job("leaky_tanh", {}, {"seed": 1})
    trained = train_published(cohort, walks("leaky_tanh"), "cpu")
    activity = torch.randn(2, 5, 3, 12)
    found = leaky_tanh.LeakyTanh([n.spec for n in cohort.networks], trained).decode(activity)
    decoder = torch.from_numpy(trained["weight_decoder"].values)
    torch.testing.assert_close(found, 1.1 * torch.einsum("ktsu,kud->ktsd", activity, decoder))


def test_steps_since_a_wall_are_counted_from_its_contact():
    wall = np.array([[0, 1, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0]], bool)
    expected = [[-1, 0, 1, 2, 0, 1], [-1] * 6]
    np.testing.assert_array_equal(leaky_tanh.since_wall(wall.T).T, expected)


def test_beyond_the_wall_a_linear_code_is_decoded_and_a_code_that_stops_there_is_not(monkeypatch):
    """Activity that is the position, and activity that is the position inside the arena."""
    evaluation = walks("rnn", 400, 20, seed=2)
    trained = train_published(job("rnn", {"steps": 0}), walks("rnn"), "cpu")
    errors = []
    for limit in (10.0, 1.1):

        def told(networks, walks, limit=limit):
            position = walks["position"]
            for first in range(0, len(position), 100):
                path = torch.from_numpy(position[first : first + 100].values).float()
                at = path[:, 1:].transpose(0, 1).clamp(-limit, limit)
                filler = torch.zeros(*at.shape[:2], 10)
                yield first, path, torch.cat([at, filler], -1)[None]

        monkeypatch.setattr(rnn.Encoders, "activities", told)
        maps = measure_published(trained, evaluation, evaluation, 0.2, 0.1)
        errors.append(maps["error_beyond"].item())
    assert errors[0] < 0.01 and errors[1] > 0.1


def test_the_regression_is_judged_on_the_steps_that_are_asked_for():
    """Units that hold the position for five steps, and nothing after these."""
    path = torch.from_numpy(walks("rnn", 40, 20)["position"].values)
    activity = path[:, 1:].transpose(0, 1).clone()[None]
    activity[:, 5:] = 0
    ridge = Ridge(1, 2, 20)
    ridge.add(0, path, activity)
    far = path[20:, 6:].norm(dim=-1).mean().item()
    assert ridge.error(5).item() < 0.2 * far
    assert ridge.error().item() > 0.5 * far
