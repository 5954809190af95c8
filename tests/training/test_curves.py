"""Learning curves: at which steps, of which samples, and what else a result says."""

import json

import numpy as np
import pytest
import torch
from nofreelunch.networks.cohorts import Network
from nofreelunch.networks.shapes import weight_shapes
from training_examples import (
    cartesian,
    make,
    stacked,
    train,
    walks,
)


@pytest.fixture(scope="module")
def pool():
    return walks()


@pytest.mark.parametrize(
    ("steps", "expected"),
    [(1, [1]), (3, [1, 2, 3]), (250, [*range(1, 250, 2), 250])],
)
def test_curve_is_dense_and_ends_with_the_last_step(steps, expected, pool):
    trained = train([make(steps=steps, seed=k) for k in range(2)], pool)
    assert trained["step"].values.tolist() == [expected] * 2
    for name in ("loss", "position_error", "step"):
        assert trained[name].dims == ("network", "checkpoint")
    assert np.isfinite(trained["loss"]).all() and np.isfinite(trained["position_error"]).all()


def test_curves_of_networks_with_fewer_steps_end_before(pool):
    trained = train([make(steps=2), make(steps=4, seed=1)], pool)
    assert trained["step"].values.tolist() == [[1, 2, -1, -1], [1, 2, 3, 4]]
    for name in ("loss", "position_error"):
        assert np.isnan(trained[name]).values.tolist() == [[False, False, True, True], [False] * 4]


def test_curves_are_of_a_network_s_own_samples(pool):
    """Loss and error of the first minibatch, which other trajectories and times pad."""
    specs = [cartesian(batch_size=3, sequence_length=2, steps=1), cartesian(seed=1, steps=1)]
    trained, stack = train(specs, pool), stacked(specs, pool)
    drawn, _ = stack.minibatches.draw(0)
    position = drawn[:1, :3, :3]
    with torch.no_grad():
        activity = stack.networks.run(drawn[:, 0], drawn.diff(dim=1))
        output = stack.networks.read_out(activity)[:1, :2, :3]
    apart = output - position[:, 1:]
    assert trained["loss"][0, 0].item() == pytest.approx(apart.square().mean().item(), rel=1e-5)
    error = torch.linalg.vector_norm(apart, dim=-1).mean().item()
    assert trained["position_error"][0, 0].item() == pytest.approx(error, rel=1e-5)


def test_result_says_what_it_is(pool):
    specs = [make("lstm", steps=2, seed=k) for k in range(2)]
    trained = train(specs, pool)
    assert [json.loads(text) for text in trained["spec"].values] == specs
    assert trained["network"].values.tolist() == [Network(spec).id for spec in specs]
    assert trained.attrs["device"] == "cpu" and trained.attrs["arena"] == 2.2
    assert trained.attrs["precision"] == "float32"
    assert trained.attrs["pool_seed"] == pool.attrs["seed"]
    assert trained.attrs["pool_trajectories"] == pool.sizes["trajectory"]
    assert trained.attrs["pool_images"] == 8
    assert trained["position_error"].attrs["units"] == "m"
    for name, shape in weight_shapes("lstm", 12, 16).items():
        assert trained[f"weight_{name}"].shape == (2, *shape)
        assert trained[f"weight_{name}"].dtype == np.float32
