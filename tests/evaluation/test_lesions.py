"""Lesions: a silenced unit has no effect, and the units are those that are named."""

import numpy as np
import pytest
import torch
import xarray as xr
from nofreelunch.evaluation import lesions
from nofreelunch.evaluation.rate_maps import measure_rate_maps
from nofreelunch.networks.cohorts import Cohort, Network
from nofreelunch.networks.network_stack import NetworkStack
from nofreelunch.networks.shapes import weight_shapes
from nofreelunch.task.trajectories import random_walk
from nofreelunch.training.loop import train
from training_examples import make

CELLS = ("rnn", "gru", "feedforward")
UNITS, CELLS_OUT = 12, 5


def stack(cell, seed=0):
    """Two networks of random weights."""
    random = torch.Generator().manual_seed(seed)
    shapes = weight_shapes(cell, UNITS, CELLS_OUT)
    weights = {k: 0.5 * torch.randn(2, *shape, generator=random) for k, shape in shapes.items()}
    return NetworkStack(cell, "tanh", weights, torch.ones(2, 1, 1))


@pytest.mark.parametrize("cell", CELLS)
def test_a_silenced_unit_has_no_effect(cell):
    """The outputs are those of a network that lacks it, and do not hang on how it starts."""
    whole, chosen = stack(cell), [np.array([3, 7]), np.array([0])]
    silent = lesions.silence(whole, chosen)
    inputs = torch.linspace(-1, 1, 2 * 6 * 4 * 2).reshape(2, 6, 4, 2)
    start = torch.linspace(0, 1, 2 * 4 * CELLS_OUT).reshape(2, 4, CELLS_OUT)
    expected = silent.read_out(silent.run(start, inputs))
    for network, units in enumerate(chosen):
        activity = silent.run(start, inputs)
        activity[network, :, :, torch.from_numpy(units)] = 100.0
        torch.testing.assert_close(silent.read_out(activity)[network], expected[network])
    if cell == "rnn":
        for name in ("encoder", "input"):
            silent.weights[name] = silent.weights[name].clone()
            silent.weights[name][0, :, chosen[0]] = 9.0
        torch.testing.assert_close(silent.read_out(silent.run(start, inputs)), expected)
    assert not torch.allclose(whole.read_out(whole.run(start, inputs)), expected)


def test_the_units_are_those_of_the_highest_scores_and_active():
    score = np.array([0.9, 0.1, np.nan, 0.8, 0.7, 0.95, *np.linspace(-0.5, 0, 15)])
    active = np.ones(21, bool)
    active[5] = False
    assert lesions._highest(score, active).tolist() == [0, 3]
    assert lesions._highest(score, active & False).size == 0
    drawn = [lesions._random({"seed": 4}, active, draw) for draw in range(300)]
    assert all(np.unique(units).size == 2 for units in drawn)
    assert set(np.concatenate(drawn)) == set(range(21)) - {5}


@pytest.fixture(scope="module")
def cohort():
    """Two trained networks, their scores and held-out walks."""
    networks = tuple(Network(make(units=20, steps=30, place_cells=24, seed=k)) for k in range(2))
    trained = train(Cohort("pair", networks), random_walk(200, 20, seed=0), device="cpu")
    score = np.random.default_rng(0).uniform(-1, 1, (1, 2, 20))
    active = np.ones((2, 20), bool)
    active[1] = False
    scored = xr.Dataset(
        {
            "score_60": (("definition", "network", "unit"), score),
            "active": (("network", "unit"), active),
        },
        {"definition": ["min_max"]},
    )
    return trained, scored, random_walk(60, 50, seed=1)


def test_errors_are_measured_over_the_horizon(cohort):
    trained, scored, walks = cohort
    found = lesions.measure_lesions(trained, scored, walks, 20)
    whole = measure_rate_maps(trained, walks, 0.2)["position_error"].sel(horizon=20)
    error = found["lesion_error"]
    np.testing.assert_allclose(error.sel(lesion="none"), whole, rtol=1e-5)
    assert np.isfinite(error[:, 0]).all() and np.isnan(error[1:, 1]).all()
    assert error[1, 0] != error[0, 0]
    again = lesions.measure_lesions(trained, scored, walks, 20)
    assert again.identical(found)


def test_cohorts_are_joined_in_the_order_that_is_asked_for(cohort):
    trained, scored, walks = cohort
    found = lesions.measure_lesions(trained, scored, walks, 5)
    first, second = map(str, trained["network"].values)
    parts = [found.isel(network=[0]), found.isel(network=[1])]
    assert lesions.joined(parts, [second, first])["network"].values.tolist() == [second, first]
    none = lesions.joined([], [])
    assert none["lesion_error"].shape == (3, 0) and none["spec"].size == 0
