"""Training: networks alone and side by side, divergence, learning curves, minibatches."""

import json
import re

import numpy as np
import pytest
import torch
from nofreelunch import networks, training
from nofreelunch.cohorts import Cohort, Network
from nofreelunch.networks import GATES
from nofreelunch.trajectories import apply_symmetry
from training_examples import (
    CPU,
    LENGTH,
    ROUNDING,
    STEPS,
    cartesian,
    farthest,
    make,
    train,
    walks,
    weights,
)


@pytest.fixture(scope="module")
def pool():
    return walks()


@pytest.mark.parametrize("cell", GATES)
def test_a_network_is_the_same_alone_and_in_any_place_of_a_cohort(cell, pool):
    specs = [
        make(cell, seed=3, learning_rate=2e-3),
        make(cell, seed=1, initializer="orthogonal", weight_decay=1e-3),
        make(cell, seed=2, place_cell_width={"uniform": [0.2, 0.4]}, learning_rate=1e-3),
    ]
    alone = train(specs[:1], pool)
    start = networks.initialize(specs[:1], 16).weights["recurrent"][0].numpy()
    assert abs(weights(alone, 0)["weight_recurrent"] - start).max() > 0.01  # it has learnt
    for place in range(3):
        cohort = [specs[(i - place) % 3] for i in range(3)]
        together = train(cohort, pool)
        assert farthest(weights(alone, 0), weights(together, place)) < ROUNDING
        for name in ("loss", "position_error"):
            np.testing.assert_allclose(
                together[name][place], alone[name][0], rtol=1e-3, err_msg=name
            )
        assert farthest(weights(alone, 0), weights(together, (place + 1) % 3)) > 0.01


def test_training_repeats_bit_for_bit(pool):
    specs = [make(seed=k, dropout={"readout": 0.2, "recurrent": 0.1}, steps=60) for k in range(2)]
    torch.manual_seed(0)
    first = train(specs, pool)
    torch.manual_seed(1)  # the global generators have no say
    state = torch.get_rng_state()
    np.testing.assert_equal(train(specs, pool).to_dict(), first.to_dict())
    assert torch.equal(torch.get_rng_state(), state)


def test_seeds_make_other_networks(pool):
    trained = train([make(seed=k, steps=20) for k in range(2)], pool)
    assert farthest(weights(trained, 0), weights(trained, 1)) > 0.1


def test_a_diverging_network_is_frozen_and_the_others_go_on(pool, caplog):
    rates = (0.05, 1e6, 0.01)
    keys = {"optimizer": "sgd", "schedule": "constant"}
    specs = [cartesian(seed=k, learning_rate=r, **keys) for k, r in enumerate(rates)]
    trained = train(specs, pool)
    assert trained["diverged"].values.tolist() == [False, True, False]
    assert Network(specs[1]).id in caplog.text
    for k in (0, 2):
        alone = train([specs[k]], pool)
        assert farthest(weights(alone, 0), weights(trained, k)) < ROUNDING
        assert np.isfinite(trained["loss"][k]).all()
    assert not np.isfinite(trained["loss"][1, -1])
    longer = train([spec | {"steps": STEPS + 50} for spec in specs], pool)
    np.testing.assert_equal(weights(longer, 1), weights(trained, 1))
    assert farthest(weights(longer, 0), weights(trained, 0)) > 0


def test_a_network_that_diverges_in_its_last_step_is_marked(pool):
    keys = {"learning_rate": 1e38, "steps": 1, "optimizer": "sgd"}
    specs = [cartesian(weight_decay=decay, **keys) for decay in (0.0, 1e3)]
    assert train(specs, pool)["diverged"].values.tolist() == [False, True]


@pytest.mark.parametrize("cell", GATES)
def test_cartesian_networks_learn(cell, pool):
    spec = cartesian(cell=cell, activation="tanh", learning_rate=1e-2, steps=400)
    trained = train([spec], pool)
    error = trained["position_error"][0].values
    # The arena's size before, a few centimetres after.
    assert error[0] > 0.5 and error[-20:].mean() < 0.15
    loss = trained["loss"][0].values
    assert loss[-20:].mean() < 0.02 * loss[0]
    # The loss of coordinates is the squared error per axis: the curve's two halves agree.
    assert loss[-1] == pytest.approx(error[-1] ** 2 / 2, rel=0.6)


def test_place_cell_networks_learn(pool):
    trained = train([make(steps=400, learning_rate=1e-2)], pool)
    assert trained["loss"][0, -20:].mean() < trained["loss"][0, 0] - 0.02
    assert trained["position_error"][0, -20:].mean() < 0.7 * trained["position_error"][0, 0]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [(1, [1]), (3, [1, 2, 3]), (250, [*range(1, 250, 2), 250])],
)
def test_curve_is_dense_and_ends_with_the_last_step(steps, expected, pool):
    trained = train([make(steps=steps, seed=k) for k in range(2)], pool)
    assert trained["step"].values.tolist() == expected
    assert trained["loss"].dims == trained["position_error"].dims == ("network", "checkpoint")
    assert trained["loss"].shape == (2, len(expected))


def test_result_says_what_it_is(pool):
    specs = [make("lstm", steps=2, seed=k) for k in range(2)]
    trained = train(specs, pool)
    assert [json.loads(text) for text in trained["spec"].values] == specs
    assert trained["network"].values.tolist() == [Network(spec).id for spec in specs]
    assert trained.attrs["device"] == "cpu" and trained.attrs["arena"] == 2.2
    assert trained.attrs["pool_seed"] == pool.attrs["seed"]
    assert trained.attrs["pool_trajectories"] == pool.sizes["trajectory"]
    assert trained.attrs["pool_symmetries"] == 8
    assert trained["position_error"].attrs["units"] == "m"
    for name, shape in networks.shapes("lstm", 12, 16).items():
        assert trained[f"weight_{name}"].shape == (2, *shape)
        assert trained[f"weight_{name}"].dtype == np.float32


def test_progress_is_logged(pool, caplog):
    with caplog.at_level("INFO"):
        train([make(steps=5)], pool)
    figures = r"loss \d\.\d+, position error [\d.]+ cm, [\d.]+ networks·steps/s, 0 s left"
    assert re.search(rf"cohort: step 5/5, {figures}", caplog.text)


def test_minibatches_are_walks_of_the_pool(pool):
    pool = pool.assign_attrs(symmetries=0)
    batch = training.Minibatches(pool, [make(seed=0), make(seed=1)])
    known = {walk.tobytes() for walk in pool["position"].values}
    drawn = [batch.draw(step) for step in range(70)]  # more than one block of indices
    assert drawn[0].shape == (2, LENGTH + 1, 10, 2)
    walks = torch.stack(drawn).transpose(2, 3).reshape(-1, LENGTH + 1, 2).numpy()
    assert all(walk.tobytes() in known for walk in walks)
    # 1,400 draws from 500 miss a share of exp(-2.8) of them.
    assert len({walk.tobytes() for walk in walks}) == pytest.approx(500 * 0.94, abs=25)
    assert not torch.equal(drawn[0][0], drawn[0][1])
    again = training.Minibatches(pool, [make(seed=1)])
    for step, both in enumerate(drawn):
        assert torch.equal(again.draw(step)[0], both[1])


@pytest.mark.parametrize("symmetries", [0, 1])
def test_symmetries_multiply_the_pool(symmetries, pool):
    one = pool.isel(trajectory=[7]).assign_attrs(symmetries=symmetries)
    drawn = training.Minibatches(one, [make(batch_size=100)]).draw(0)[0].transpose(0, 1).numpy()
    walk = one["position"].values[0]
    images = [apply_symmetry(walk, np.full(len(walk), k)) for k in range(8 if symmetries else 1)]
    found = {w.tobytes() for w in drawn}
    assert found == {np.ascontiguousarray(image).tobytes() for image in images}


def test_pool_of_another_length_is_refused(pool):
    expected = "sequence_length: found 20, but the trajectories have 5 steps"
    with pytest.raises(ValueError, match=expected) as error:
        train([make(sequence_length=20)], pool)
    assert "\n" not in str(error.value)


def test_devices(monkeypatch, pool):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert training.choose_device("auto") == training.choose_device("cpu") == CPU
    with pytest.raises(ValueError, match=r"compute\.device: found 'cuda'.*allowed here: auto, cpu"):
        training.train(Cohort("cohort", (Network(make()),)), pool, "cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert training.choose_device("auto") == training.choose_device("cuda") == torch.device("cuda")
