"""Rate maps against scipy's binned means, position errors of networks whose errors are known."""

import json
import re

import numpy as np
import pytest
import torch
import xarray as xr
from nofreelunch.evaluation import rate_maps
from nofreelunch.files.datasets import DatasetError
from nofreelunch.networks.initialize import initialize
from nofreelunch.scoring import spatial_measures
from nofreelunch.task import targets
from nofreelunch.task.trajectories import inside, random_walk
from scipy import stats

BIN = 0.2  # 11 bins along a side of 2.2 m


def make(units=6, seed=0, **keys):
    return {
        "target": "cartesian",
        "place_cells": None,
        "place_cell_width": None,
        "surround": None,
        "amplitude_ratio": None,
        "fields_per_cell": None,
        "cell": "rnn",
        "activation": "linear",
        "units": units,
        "initializer": "torch_default",
        "encoder_scale": 1.0,
        "seed": seed,
        **keys,
    }


PLACE_CELLS = {
    "target": "difference_of_softmaxes",
    "place_cells": 32,
    "place_cell_width": 0.2,
    "surround": {"width_ratio": 2.0},
    "fields_per_cell": 1,
    "encoder_scale": 32.0,
    "activation": "relu",
}


def trained(specs, weights=None, arena=2.2):
    """What training returns, of networks with fresh weights or with the given ones."""
    stack = targets.build_targets(specs, [s["seed"] for s in specs])
    made = initialize(specs, stack.cells).weights
    made |= {k: torch.from_numpy(v) for k, v in (weights or {}).items()}
    arrays = {
        f"weight_{k}": (("network", f"{k}_i", f"{k}_o"), w.numpy().astype("f4"))
        for k, w in made.items()
    }
    coordinates = {
        "network": [f"network {k}" for k in range(len(specs))],
        "spec": ("network", [json.dumps(spec) for spec in specs]),
    }
    return xr.Dataset(arrays, coordinates, {"arena": arena})


def integrator(gain=1.0, count=1):
    """Linear networks that hold the position itself, and integrate `gain` times the velocity."""
    eye = np.tile(np.eye(2), (count, 1, 1))
    weights = {"encoder": eye, "input": gain * eye, "recurrent": eye, "decoder": eye}
    return trained([make(units=2)] * count, weights)


@pytest.fixture(scope="module")
def walks():
    return random_walk(300, 30, seed=2)


def activity(measured_from, evaluation):
    """Activity (network, time, trajectory, unit) on all trajectories at once."""
    _, stack, target = rate_maps.restore_networks(measured_from)
    position = torch.from_numpy(evaluation["position"].values).transpose(0, 1)
    everyone = position.expand(len(stack.encoder_scale), -1, -1, -1)
    velocity = everyone[:, 1:] - everyone[:, :-1]
    with torch.no_grad():
        return stack.run(target.encode(everyone[:, 0]), velocity)


@pytest.mark.parametrize("keys", [{}, PLACE_CELLS, PLACE_CELLS | {"cell": "lstm"}])
def test_maps_are_binned_means(keys, walks):
    networks_file = trained([make(seed=k, **keys) for k in range(2)])
    measured = rate_maps.measure_rate_maps(networks_file, walks, BIN)
    assert measured["rate_map"].dims == ("network", "unit", "y", "x")
    assert measured["rate_map"].shape == (2, 6, 11, 11)
    assert measured["rate_map"].dtype == np.float32
    x, y = walks["position"].values[:, 1:].reshape(-1, 2).T.astype(float)
    for k, values in enumerate(activity(networks_file, walks).numpy()):
        values = values.swapaxes(0, 1).reshape(-1, 6).T
        expected = stats.binned_statistic_2d(
            y, x, values, "mean", bins=11, range=[[-1.1, 1.1], [-1.1, 1.1]]
        ).statistic
        # float32 sums; scipy puts nothing here in another bin.
        np.testing.assert_allclose(measured["rate_map"][k], expected, rtol=1e-4, atol=1e-5)
    counts, _, _ = np.histogram2d(y, x, bins=11, range=[[-1.1, 1.1], [-1.1, 1.1]])
    np.testing.assert_array_equal(measured["occupancy"], counts)
    assert measured["occupancy"].dims == ("y", "x")


@pytest.mark.parametrize("chunk", [2**16, 2**27])
def test_stability_compares_the_halves_of_the_trajectories(chunk, walks, monkeypatch):
    """In chunks that the middle falls into, and all at once."""
    monkeypatch.setattr(rate_maps, "CHUNK_BYTES", chunk)
    networks_file = trained([make(seed=k, **PLACE_CELLS) for k in range(2)])
    halves = [
        rate_maps.measure_rate_maps(networks_file, walks.isel(trajectory=half), BIN)["rate_map"]
        for half in (slice(150), slice(150, None))
    ]
    measured = rate_maps.measure_rate_maps(networks_file, walks, BIN)
    assert measured["stability"].dims == ("network", "unit")
    expected = spatial_measures.stability(*halves)
    assert expected.notnull().any() and expected.max() < 0.9999
    # Sums in another order, in float32 within a chunk.
    np.testing.assert_allclose(measured["stability"], expected, atol=1e-4)


def test_one_trajectory_has_no_halves(walks):
    measured = rate_maps.measure_rate_maps(integrator(), walks.isel(trajectory=[0]), BIN)
    assert measured["stability"].isnull().all() and measured["rate_map"].notnull().any()


def test_a_cell_without_a_recurrence_is_told_where_it_is(walks):
    """Its units hold the position, with layers that change nothing."""
    eye, nothing = np.eye(2)[np.newaxis], np.zeros((1, 1, 2))
    weights = {name: eye for name in ("embedding", "input", "dense", "decoder")}
    biases = {name: nothing for name in ("embedding_bias", "bias", "dense_bias", "decoder_bias")}
    spec = make(units=2, cell="feedforward", encoder_scale=None)
    measured = rate_maps.measure_rate_maps(trained([spec], weights | biases), walks, BIN)
    np.testing.assert_allclose(measured["position_error"], 0, atol=1e-6)
    x_map, y_map = measured["rate_map"][0]
    assert abs(x_map - measured["x"]).max() < BIN / 2
    assert abs(y_map - measured["y"]).max() < BIN / 2


def test_axes_are_y_then_x_in_metres(walks):
    """The two units of a network that holds the position map x and y."""
    measured = rate_maps.measure_rate_maps(integrator(), walks, BIN)
    x_map, y_map = measured["rate_map"][0]
    # A bin's mean lies within half a bin of its centre.
    assert abs(x_map - measured["x"]).max() < BIN / 2
    assert abs(y_map - measured["y"]).max() < BIN / 2
    np.testing.assert_allclose(measured["x"], np.arange(-1, 1.01, 0.2), atol=1e-12)
    np.testing.assert_array_equal(measured["x"], measured["y"])
    assert measured["x"].attrs["units"] == measured["y"].attrs["units"] == "m"
    assert measured.attrs["arena"] == 2.2 and measured.attrs["bin_size"] == BIN
    assert measured.attrs["evaluation_seed"] == walks.attrs["seed"]


def test_unvisited_bins_are_nan_and_visited_ones_are_not(walks):
    few = walks.isel(trajectory=slice(4))
    measured = rate_maps.measure_rate_maps(integrator(count=2), few, 0.1)
    empty = measured["occupancy"].values == 0
    assert 0.5 < empty.mean() < 1
    np.testing.assert_array_equal(
        np.isnan(measured["rate_map"]), np.broadcast_to(empty, (2, 2, 22, 22))
    )


def test_samples_outside_are_left_out(walks):
    outside = walks.copy(deep=True)
    position = outside["position"].values
    position[:100, 10:] += np.float32(5.0)  # they jump out of the arena, and back never
    measured = rate_maps.measure_rate_maps(integrator(), outside, BIN)
    inside = (abs(position[:, 1:]) <= 1.1).all(-1)
    assert measured["occupancy"].sum() == inside.sum() < 0.9 * inside.size
    assert abs(measured["rate_map"][0, 0] - measured["x"]).max() < BIN / 2


def test_samples_on_the_far_walls_fall_in_the_last_bin():
    corner = np.full((2, 3, 2), 1.0, "f4")
    dataset = xr.Dataset(
        {"position": (("trajectory", "moment", "axis"), corner)}, attrs={"arena": 2}
    )
    two_metres = integrator().assign_attrs(arena=2)
    measured = rate_maps.measure_rate_maps(two_metres, dataset, 0.5)
    assert measured["occupancy"][-1, -1] == measured["occupancy"].sum() == 4


def test_exact_integrators_have_no_error(walks):
    measured = rate_maps.measure_rate_maps(integrator(), walks, BIN)
    assert measured["position_error"].max() < 1e-5
    # The penalty of 1e-4 of the mean squared rate shrinks positions of up to 1 m by 0.1 mm.
    assert measured["ridge_error"][0] < 2e-4


def test_ridge_reads_position_from_any_linear_code(walks):
    """Six units that mix the coordinates, and a decoder that makes nothing of them."""
    mixing = np.random.default_rng(0).normal(size=(2, 6))
    weights = {
        "encoder": mixing,
        "input": mixing,
        "recurrent": np.linalg.pinv(mixing) @ mixing,
        "decoder": np.zeros((6, 2)),
    }
    measured = rate_maps.measure_rate_maps(
        trained([make()], {k: v[None] for k, v in weights.items()}), walks, BIN
    )
    distance = np.linalg.norm(walks["position"].values[:, 1:], axis=-1)
    np.testing.assert_allclose(
        measured["position_error"][0], [distance[:, :20].mean(), distance.mean()], rtol=1e-5
    )
    # The penalty weighs on the mixture's weaker direction; without units the error is 0.8 m.
    assert measured["ridge_error"][0] < 2e-3


def test_position_error_over_horizons():
    """A network with a gain of 0.9 is off by a tenth of the way it came."""
    walks = random_walk(200, 50, seed=3)
    measured = rate_maps.measure_rate_maps(integrator(0.9), walks, BIN)
    position = walks["position"].values
    off = 0.1 * np.linalg.norm(position[:, 1:] - position[:, :1], axis=-1)
    assert measured["horizon"].values.tolist() == [20, 50]
    # float32 sums over time.
    np.testing.assert_allclose(
        measured["position_error"][0], [off[:, :20].mean(), off.mean()], rtol=1e-4
    )
    short = rate_maps.measure_rate_maps(integrator(0.9), walks.isel(moment=slice(11)), BIN)
    assert short["horizon"].values.tolist() == [10]
    assert short["position_error"][0, 0].item() == pytest.approx(off[:, :10].mean(), rel=1e-4)


def test_ridge_error_is_that_of_plain_ridge_regression(walks):
    """On trajectories that were not fitted; 20 random units do not determine the position."""
    networks_file = trained(
        [make(20, seed=k, **PLACE_CELLS | {"activation": "tanh"}) for k in (0, 1)]
    )
    measured = rate_maps.measure_rate_maps(networks_file, walks, BIN)
    position = walks["position"].values[:, 1:].astype(float)
    for k, values in enumerate(activity(networks_file, walks).double().numpy()):
        rates = np.append(values.swapaxes(0, 1), np.ones((300, 30, 1)), -1)
        fit, held_out = rates[:150].reshape(-1, 21), rates[150:].reshape(-1, 21)
        penalty = np.eye(21) * 1e-4 * (fit[:, :20] ** 2).sum() / 20
        penalty[20, 20] = 0
        solution = np.linalg.solve(fit.T @ fit + penalty, fit.T @ position[:150].reshape(-1, 2))
        off = np.linalg.norm(held_out @ solution - position[150:].reshape(-1, 2), axis=1)
        assert measured["ridge_error"][k].item() == pytest.approx(off.mean(), rel=1e-3)


def test_a_diverged_network_leaves_the_others_alone(walks):
    specs = [make(seed=k, **PLACE_CELLS) for k in range(3)]
    whole = trained(specs)
    broken = whole.copy(deep=True)
    broken["weight_recurrent"].values[1] = np.nan
    measured, expected = (rate_maps.measure_rate_maps(n, walks, BIN) for n in (broken, whole))
    assert not np.isfinite(measured["rate_map"][1]).any()
    assert measured["stability"][1].isnull().all()
    assert np.isnan(measured["ridge_error"][1])
    kept = {"network": [0, 2]}
    xr.testing.assert_allclose(measured.isel(kept), expected.isel(kept), rtol=1e-5)


def test_infinite_rates_have_no_stability(walks):
    """One unit holds x, the other grows a thousandfold with every step."""
    weights = {
        "encoder": np.tile([[1.0], [0.0]], (2, 1, 1)),
        "input": np.tile([[1.0], [0.0]], (2, 1, 1)),
        "recurrent": np.array([1.0, 1e3])[:, None, None],
        "decoder": np.ones((2, 1, 2)),
    }
    measured = rate_maps.measure_rate_maps(trained([make(units=1)] * 2, weights), walks, BIN)
    assert np.isinf(measured["rate_map"][1]).any()
    assert measured["stability"][0, 0] > 0.99 and np.isnan(measured["stability"][1, 0])


@pytest.mark.parametrize("keys", [{}, PLACE_CELLS])
def test_chunks_change_nothing(keys, walks, monkeypatch):
    networks_file = trained([make(seed=k, **keys) for k in range(2)])
    whole = rate_maps.measure_rate_maps(networks_file, walks, BIN)
    monkeypatch.setattr(rate_maps, "CHUNK_BYTES", 2**16)  # a few trajectories at a time
    pieces = rate_maps.measure_rate_maps(networks_file, walks, BIN)
    np.testing.assert_array_equal(whole["occupancy"], pieces["occupancy"])
    # Sums in another order, in float32 within a chunk.
    xr.testing.assert_allclose(whole, pieces, rtol=1e-4, atol=1e-6)


def test_only_the_first_trajectories_are_decoded(walks, monkeypatch):
    monkeypatch.setattr(rate_maps, "DECODED_TRAJECTORIES", 7)
    for size in (2**14, 2**27):
        monkeypatch.setattr(rate_maps, "CHUNK_BYTES", size)
        measured = rate_maps.measure_rate_maps(integrator(0.9), walks, BIN)
        first = rate_maps.measure_rate_maps(integrator(0.9), walks.isel(trajectory=slice(7)), BIN)
        np.testing.assert_allclose(measured["position_error"], first["position_error"], rtol=1e-5)


@pytest.mark.parametrize("size", [0.3, 0.0, -0.1, 5.0, float("nan")])
def test_bins_that_do_not_fill_the_arena_are_refused(size, walks):
    expected = f"bin_size: found {size} m; allowed: a whole fraction of the arena (2.2 m)"
    with pytest.raises(ValueError, match=re.escape(expected)) as error:
        rate_maps.measure_rate_maps(integrator(), walks, size)
    assert "\n" not in str(error.value)


def test_other_arenas_are_refused(walks):
    with pytest.raises(ValueError, match=r"arena of the evaluation: found 2\.2 m; allowed: 1\.1 m"):
        rate_maps.measure_rate_maps(integrator().assign_attrs(arena=1.1), walks, BIN)


def test_a_periodic_arena_is_mapped_and_decoded_around_its_walls():
    """The maps are those of walks taken inside, and the errors the shortest ones."""
    walks = random_walk(400, 50, seed=2, periodic=True)
    spec = make(units=40, **PLACE_CELLS) | {"periodic": True}
    held = trained([spec]).assign_attrs(periodic=1)
    measured = rate_maps.measure_rate_maps(held, walks, BIN)
    _, stack, target = rate_maps.restore_networks(held)
    rates = activity(held, walks)
    x, y = inside(walks["position"].values[:, 1:].astype(float), 2.2).reshape(-1, 2).T
    values = rates[0].numpy().swapaxes(0, 1).reshape(-1, 40).T
    expected, _, _, _ = stats.binned_statistic_2d(
        y, x, values, "mean", bins=11, range=[[-1.1, 1.1], [-1.1, 1.1]]
    )
    np.testing.assert_allclose(measured["rate_map"][0], expected, rtol=1e-4, atol=1e-5)
    assert measured["occupancy"].sum() == 400 * 50
    there = walks["position"].values.swapaxes(0, 1)[1:]
    apart = target.decode(stack.read_out(rates)).numpy()[0] - there
    shortest = np.abs(apart + 2.2 * np.arange(-2, 3)[:, None, None, None]).min(0)
    error = np.linalg.norm(shortest, axis=-1)
    found = measured["position_error"].sel(horizon=50).item()
    assert found == pytest.approx(error.mean(), rel=1e-4)
    assert np.linalg.norm(apart, axis=-1).mean() > 1.2 * found
    ridges = [rate_maps.Measured(1, 4, 10, 2.2, BIN, periodic=p).ridge for p in (False, True)]
    assert [ridge.around for ridge in ridges] == [None, 2.2]


def test_ridge_reads_a_position_on_a_circle():
    """Cosines and sines of the position are read without error, also next to a wall."""
    position = torch.rand(60, 11, 2, generator=torch.Generator().manual_seed(0)) * 2.2 - 1.1
    angle = 2 * torch.pi * position[:, 1:].transpose(0, 1) / 2.2
    code = torch.cat([angle.cos(), angle.sin()], -1)[None]
    ridge = rate_maps.Ridge(1, 4, 30, around=2.2)
    ridge.add(0, position, code)
    assert ridge.error()[0] < 1e-3
    plain = rate_maps.Ridge(1, 4, 30)
    plain.add(0, position, code)
    assert plain.error()[0] > 0.2


@pytest.mark.parametrize("periodic", [0, 1])
def test_walls_are_those_that_networks_were_trained_with(walks, periodic):
    held = integrator().assign_attrs(periodic=1 - periodic)
    with pytest.raises(ValueError, match="evaluation: periodic: found"):
        rate_maps.measure_rate_maps(held, walks.assign_attrs(periodic=periodic), BIN)


def test_missing_weights_are_named(walks):
    with pytest.raises(DatasetError, match=r"no weights \['recurrent'\]"):
        rate_maps.measure_rate_maps(integrator().drop_vars("weight_recurrent"), walks, BIN)
