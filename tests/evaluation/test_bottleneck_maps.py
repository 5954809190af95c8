"""Maps of the networks of Banino et al.: what is measured, without dropout, in the paper's bins."""

import numpy as np
import pytest
import torch
from nofreelunch.evaluation.measure_published import measure_published
from nofreelunch.evaluation.published import bottleneck_lstm
from nofreelunch.networks.published import banino
from nofreelunch.scoring import ring_radii
from nofreelunch.training.train_published import train_published
from published_examples import job, walks

KIND = "bottleneck_lstm"


@pytest.fixture(scope="module")
def trained():
    return train_published(job(KIND, {}, {"seed": 1}), walks(KIND), "cpu")


def test_shares_by_radius_and_errors_by_step_are_of_every_network(trained):
    maps = measure_published(
        trained, walks(KIND, 300, seed=2), walks(KIND, 30, 60, seed=3), 0.2, 0.1
    )
    shares = maps["grid_like_by_radius"]
    assert dict(shares.sizes) == {"network": 2, "definition": 2, "criterion": 3, "inner_radius": 4}
    assert shares.sel(criterion="shuffle", inner_radius=6.4, definition="min_max").shape == (2,)
    assert ((shares >= 0) & (shares <= 1)).all()
    counts = maps["lstm_grid_like_by_radius"] * 8  # units of the example's LSTM
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-9)
    error = maps["error_by_step"]
    assert error.sizes["step"] == 60
    np.testing.assert_allclose(error.mean("step"), maps["position_error"][:, -1], rtol=1e-5)


def test_activity_is_that_of_the_whole_bottleneck(trained):
    """Dropout would set half of it to zero, and another half the next time."""
    specs = [network.spec for network in job(KIND, {}, {"seed": 1}).networks]
    restored = bottleneck_lstm.RESTORED(specs, trained)
    evaluation = walks(KIND, 30, seed=2)
    ((_, path, first),) = restored.activities(evaluation)
    ((_, _, again),) = restored.activities(evaluation)
    assert torch.equal(first, again) and (first != 0).all()
    assert path.shape == (30, 21, 2) and first.shape == (2, 20, 30, 12)
    place, _ = restored.networks.read_out(first)
    chosen = place[0, 3, 4].topk(3).indices
    centre = restored.target._parameters["centre"][0, :, 0]
    torch.testing.assert_close(restored.decode(first)[0, 3, 4], centre[chosen].mean(0))


def test_grid_cells_in_the_bottleneck_are_counted_and_noise_in_it_is_not(trained, monkeypatch):
    """Half of the units are lattices of the true position; the others are noise of their own."""
    k = 4 * np.pi / (np.sqrt(3) * 0.6)  # rad/m, for a period of 0.6 m
    evaluation = walks(KIND, 2000, seed=2)
    position = torch.from_numpy(evaluation["position"].values[:, 1:]).transpose(0, 1)
    angle = torch.deg2rad(torch.tensor([0.0, 60.0, 120.0]))
    along = position[..., :1] * angle.cos() + position[..., 1:] * angle.sin()
    grid = torch.cos(k * along).sum(-1)[..., None].expand(-1, -1, 6)
    torch.manual_seed(0)
    activity = torch.cat([grid, torch.randn(20, 2000, 6)], -1).expand(2, -1, -1, -1)

    def run(self, start, inputs):
        return torch.randn(2, *inputs.shape[1:3], 8), activity

    monkeypatch.setattr(banino.BottleneckNetworks, "run", run)
    specs = [network.spec for network in job(KIND, {}, {"seed": 1}).networks]
    restored = bottleneck_lstm.RESTORED(specs, trained)
    for _ in restored.activities(evaluation):
        pass
    found = restored.further(None, None, torch.zeros(2, 3, 4))["grid_like_by_radius"][1][0]
    for criterion in range(len(ring_radii.CRITERIA)):
        shares = found[:, criterion, 1]  # both definitions, rings from 6.4 bins on
        assert (shares >= 0.5).all() and (shares < 0.65).all()


def test_longer_walks_do_not_enter_the_maps(trained):
    specs = [network.spec for network in job(KIND, {}, {"seed": 1}).networks]
    restored = bottleneck_lstm.RESTORED(specs, trained)
    list(restored.activities(walks(KIND, 10, 60, seed=3)))
    assert not int(restored.binned["units"].occupancy.sum())
    list(restored.activities(walks(KIND, 10, 20, seed=3)))
    assert 150 < int(restored.binned["units"].occupancy.sum()) <= 200
