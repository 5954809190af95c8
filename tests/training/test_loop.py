"""Training: networks alone and side by side, padding, divergence, learning curves, memory."""

import itertools
import re

import numpy as np
import pytest
import torch
from nofreelunch.networks import loss_steps
from nofreelunch.networks.cohorts import Network
from nofreelunch.networks.initialize import initialize
from nofreelunch.networks.shapes import cells
from nofreelunch.study import costs
from nofreelunch.task import targets
from target_examples import COORDINATES, PLACE_CELLS, SEVERAL
from training_examples import (
    LENGTH,
    ROUNDING,
    SMOOTH,
    STEPS,
    cartesian,
    farthest,
    make,
    mixed,
    passes,
    stacked,
    train,
    walks,
    weights,
)

SMALL = {"learning_rate": 1e-3}  # at which networks of these losses do not diverge
UNUSED = {"place_cells": None, "encoder_scale": 1.0, **SMALL}
MIXED_TARGETS = {
    **{name: {"target": name} for name in PLACE_CELLS},
    "several fields": {"fields_per_cell": SEVERAL},
    "high_dim_cartesian": {"target": "high_dim_cartesian", **SMALL},
    "high_dim_polar": {"target": "high_dim_polar", **SMALL},
    "cartesian": {"target": "cartesian", **UNUSED},
    "polar": {"target": "polar", **UNUSED},
}


@pytest.fixture(scope="module")
def pool():
    return walks()


@pytest.fixture(params=["kernels", "torch"])
def kind_of_passes(request):
    with passes(request.param):
        yield request.param


def is_the_same_alone(specs, pool, places):
    """Train networks alone and together, in several orders; return those trained alone."""
    alone = [train([spec], pool) for spec in specs]
    for order in places:
        together = train([specs[k] for k in order], pool)
        for place, k in enumerate(order):
            assert farthest(weights(alone[k], 0), weights(together, place)) < ROUNDING
            points = alone[k].sizes["checkpoint"]
            step = together["step"][place].values
            np.testing.assert_array_equal(step[:points], alone[k]["step"][0])
            assert (step[points:] == -1).all()
            for name in ("loss", "position_error"):
                found, known = together[name][place].values, alone[k][name][0].values
                # A decoder chooses cells, so that a point here and there may change with rounding.
                agrees = np.isclose(found[:points], known, rtol=1e-4)
                assert agrees.mean() >= (1.0 if name == "loss" else 0.95)
                assert np.isnan(found[points:]).all()
    return alone


@pytest.mark.parametrize("cell", cells())
def test_a_network_is_itself_in_any_cohort(cell, pool):
    """Whatever its neighbours' sizes, steps, optimisers, schedules and rates, in any place."""
    specs = mixed(cell=cell)
    alone = is_the_same_alone(specs, pool, ([0, 1, 2, 3], [2, 0]))
    for k, spec in enumerate(specs):
        start = initialize([spec], spec["place_cells"]).weights["decoder"][0].numpy()
        assert abs(weights(alone[k], 0)["weight_decoder"] - start).max() > 1e-3  # it has learnt


def test_a_network_of_rectified_units_is_itself(pool):
    """To the last digits in 71 of 72 trials; where a unit passes its kink, to less than a step."""
    specs = mixed(activation="relu")
    together = train(specs, pool)
    for k, spec in enumerate(specs):
        apart = farthest(weights(train([spec], pool), 0), weights(together, k))
        assert apart < min(spec["learning_rate"], 2e-3)


@pytest.mark.parametrize("name", MIXED_TARGETS)
def test_a_network_of_any_target_is_itself(name, pool):
    specs = mixed(**MIXED_TARGETS[name])[:2]
    assert min(spec["steps"] for spec in specs) >= 80
    is_the_same_alone(specs, pool, ([1, 0],))


@pytest.mark.parametrize("cell", ["rnn", "lstm", "feedforward"])
def test_a_network_with_loss_steps_is_itself(cell, pool):
    """Beside networks with more loss steps, with fewer, and with all."""
    specs = mixed(cell=cell)
    for spec, steps in zip(specs, (3, 2, "all", 3), strict=True):
        spec["loss_steps"] = steps
    is_the_same_alone(specs, pool, ([0, 1, 2, 3], [3, 0]))


def draws(specs):
    """Every way to draw the loss steps of one network, as times (1, loss step, sample)."""
    lengths = loss_steps.stands_for(specs[0]["sequence_length"], specs[0]["loss_steps"])
    first, samples = np.cumsum(lengths) - lengths, np.arange(specs[0]["batch_size"])
    return [
        torch.from_numpy(first[:, None] + (np.array(start)[:, None] + samples) % lengths[:, None])[
            None
        ]
        for start in itertools.product(*map(range, lengths))
    ]


@pytest.mark.parametrize("steps", [3, 2])
@pytest.mark.parametrize(
    "keys",
    [
        *({"cell": cell} for cell in cells()),
        *MIXED_TARGETS.values(),
        {"dropout": {"readout": 0.3, "recurrent": 0.3}},
    ],
)
def test_loss_steps_are_exact_in_expectation(keys, steps, pool, kind_of_passes):
    """Loss and gradients of all draws, each as likely, average to those of all time steps."""
    spec = make(**keys)
    loss, gradients = loss_and_gradients([spec], pool)
    some = [spec | {"loss_steps": steps}]
    found = [loss_and_gradients(some, pool, times=times) for times in draws(some)]
    assert len(found) == (3 if steps == 3 else 6)
    assert len({round(one.item(), 6) for one, _ in found}) > 1
    mean = torch.stack([one for one, _ in found]).mean(0)
    torch.testing.assert_close(mean, loss, rtol=1e-5, atol=1e-7)
    for k, gradient in enumerate(gradients):
        mean = torch.stack([of_draw[k] for _, of_draw in found]).mean(0)
        torch.testing.assert_close(mean, gradient, rtol=1e-4, atol=1e-6)


def test_few_loss_steps_are_warned_of(pool, caplog):
    train([make(steps=1, loss_steps=2), make(steps=1, loss_steps=3)], pool)
    assert "cohort: loss_steps: 1 network has fewer than 3: the first time steps" in caplog.text


@pytest.mark.parametrize("name", ["difference_of_softmaxes", *COORDINATES[1:2], "high_dim_polar"])
@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_weights_of_place_cells_that_are_not_there_stay_zero(cell, name, pool, kind_of_passes):
    specs = [spec | {"weight_decay": 0.1} for spec in mixed(cell=cell, target=name)]
    stack = stacked(specs, pool)
    for step in range(20):
        stack.advance(step)
    padded = 0
    for of in (stack.networks.weights, stack.optimizer.mean):
        for key, tensor in of.items():
            for k, spec in enumerate(specs):
                shape = costs.weight_shapes(cell, spec["units"], spec["place_cells"])[key]
                beyond = tensor[k].detach().clone()
                beyond[: shape[0], : shape[1]] = 0
                assert (beyond == 0).all(), key
                padded += tensor[k].numel() - shape[0] * shape[1]
    assert padded > 0


def loss_and_gradients(specs, pool, change=None, times=None):
    """Of the first step, after `change` has had its way with the stack and the positions.

    `times` replaces the loss steps that were drawn.
    """
    stack, gradients = stacked(specs, pool), []
    position, drawn = stack.minibatches.draw(0)
    times = drawn if times is None else times
    if change:
        change(stack, position)
    stack.minibatches.draw = lambda step: (position, times)
    stack.optimizer.update = lambda weights, found, rates, alive: gradients.extend(found)
    stack.advance(0)
    return stack.loss, gradients


def elsewhere(stack, position):
    """Move all that is masked: trajectories beyond a batch, times beyond a sequence."""
    moved = torch.from_numpy(np.random.default_rng(0).uniform(-3, 3, position.shape)).float()
    for k, spec in enumerate(stack.specs):
        own = np.s_[k, : spec["sequence_length"] + 1, : spec["batch_size"]]
        moved[own] = position[own]
    assert (moved != position).any()
    position.copy_(moved)


def other_cells(stack, position):
    """Give place cells that are not there weights."""
    for name in ("encoder", "decoder"):
        weight = stack.networks.weights[name].detach()
        for k, count in enumerate(stack.target.cells_of):
            padding = weight[k, count:] if name == "encoder" else weight[k, :, count:]
            padding.fill_(3.0)


@pytest.mark.parametrize(
    ("change", "keys"),
    [(elsewhere, MIXED_TARGETS[name]) for name in MIXED_TARGETS]
    + [(elsewhere, {"cell": cell}) for cell in cells()]
    + [(elsewhere, {"loss_steps": 1})]
    + [(other_cells, MIXED_TARGETS[name]) for name in PLACE_CELLS],
)
def test_what_is_masked_changes_no_gradient(change, keys, pool, kind_of_passes):
    specs = mixed(**keys)
    loss, gradients = loss_and_gradients(specs, pool)
    loss_after, gradients_after = loss_and_gradients(specs, pool, change)
    assert torch.equal(loss, loss_after)
    for one, other in zip(gradients, gradients_after, strict=True):
        assert one.abs().max() > 0 and torch.equal(one, other)


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_what_overflows_behind_a_mask_changes_no_gradient(cell, kind_of_passes):
    """A state that would be infinite after 60 steps, in a network whose sequences have 2."""
    keys = {"cell": cell, "activation": "linear"}
    specs = [make(sequence_length=2, **keys), make(sequence_length=60, seed=1, **keys)]

    def grow(stack, position):
        stack.networks.weights["recurrent"].detach()[0] *= 100

    loss, gradients = loss_and_gradients(specs, walks(60), grow)
    alone_loss, alone = loss_and_gradients(specs[:1], walks(60), grow)
    assert loss[0].item() == pytest.approx(alone_loss.item(), rel=1e-5)
    for together, single in zip(gradients, alone, strict=True):
        # Entries are sums of terms as large as the largest of them.
        np.testing.assert_allclose(together[0], single[0], atol=1e-4 * abs(single[0]).max())


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


@pytest.mark.parametrize(
    ("cell", "where"),
    [
        (cell, where)
        for cell, facts in cells().items()
        for where in ("readout", "recurrent")
        if facts.recurrent or where == "readout"
    ],
)
def test_dropout_changes_training(cell, where, pool):
    dropped = {"readout": 0.0, "recurrent": 0.0, where: 0.5}
    specs = [make(cell, steps=30), make(cell, steps=30, dropout=dropped)]
    trained = train(specs, pool)
    assert farthest(weights(trained, 0), weights(trained, 1)) > 0.01
    assert trained["loss"][0, 0] != trained["loss"][1, 0]


def test_a_diverging_network_is_frozen_and_the_others_go_on(pool, caplog):
    rates = (0.05, 1e6, 0.01)
    keys = {"optimizer": "sgd", "schedule": "constant", **SMOOTH}
    specs = [cartesian(seed=k, learning_rate=r, **keys) for k, r in enumerate(rates)]
    trained = train(specs, pool)
    assert trained["diverged"].values.tolist() == [False, True, False]
    assert Network(specs[1]).id in caplog.text and "every network" not in caplog.text
    for k in (0, 2):
        alone = train([specs[k]], pool)
        assert farthest(weights(alone, 0), weights(trained, k)) < ROUNDING
        assert np.isfinite(trained["loss"][k]).all()
    assert not np.isfinite(trained["loss"][1, -1])
    longer = train([spec | {"steps": STEPS + 50} for spec in specs], pool)
    np.testing.assert_equal(weights(longer, 1), weights(trained, 1))
    assert farthest(weights(longer, 0), weights(trained, 0)) > 0


def test_a_cohort_of_which_every_network_diverges_ends_early(pool, caplog, recwarn):
    keys = {"optimizer": "sgd", "schedule": "constant", "learning_rate": 1e6}
    specs = [cartesian(seed=k, steps=10_000, **keys) for k in range(2)]
    trained = train(specs, pool)
    assert trained["diverged"].all() and trained["step"].max() < 1000
    assert "cohort: every network diverged; is the learning rate too high?" in caplog.text
    assert all(Network(spec).id in caplog.text for spec in specs)
    assert not recwarn


def test_a_network_whose_loss_grows_has_diverged(pool, caplog):
    """Adam's steps are bounded: with a rate of a thousand the loss becomes absurd, not infinite."""
    trained = train([make(seed=k, learning_rate=rate) for k, rate in enumerate((2e-3, 1e3))], pool)
    assert trained["diverged"].values.tolist() == [False, True]
    assert np.isfinite(trained["loss"]).all() and "or its loss has grown" in caplog.text


@pytest.mark.parametrize(
    ("key", "found"),
    [("activation", ["relu", "tanh"]), ("cell", ["gru", "rnn"]), ("units", [12, 13])],
)
def test_networks_that_do_not_stack(key, found, pool):
    message = f"{key}: found {found[0]}, {found[1]}; allowed: one for all networks of a stack"
    with pytest.raises(ValueError, match=message):
        train([make(seed=k) | {key: value} for k, value in enumerate(found)], pool)


@pytest.mark.parametrize("schedule", ["constant", "warmup_cosine"])
def test_untrained_networks_are_as_they_were_drawn(schedule, pool):
    """A control of trained ones: alone, and beside one that is trained."""
    drawn, other = make(steps=0, schedule=schedule), make(steps=5, seed=1)
    alone, beside = train([drawn], pool), train([drawn, other], pool)
    initial = initialize([drawn], [drawn["place_cells"]]).weights
    for found in (alone, beside):
        assert not found["diverged"].any()
        for name, weight in initial.items():
            np.testing.assert_array_equal(found[f"weight_{name}"][0], weight[0])
    assert alone.sizes["checkpoint"] == 0
    assert beside["step"].values[0].tolist() == [-1] * 5 and np.isnan(beside["loss"][0]).all()


def test_a_network_that_diverges_in_its_last_step_is_marked(pool):
    keys = {"learning_rate": 1e38, "steps": 1, "optimizer": "sgd"}
    specs = [cartesian(weight_decay=decay, **keys) for decay in (0.0, 1e3)]
    assert train(specs, pool)["diverged"].values.tolist() == [False, True]


@pytest.mark.parametrize("cell", cells())
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


def test_progress_is_logged(pool, caplog):
    with caplog.at_level("INFO"):
        train([make(steps=5)], pool)
    figures = r"loss \d\.\d+, position error [\d.]+ cm, [\d.]+ networks·steps/s \(1 network\), 0 s"
    assert re.search(rf"cohort: step 5/5, {figures} left", caplog.text)
    assert re.search(r"cohort: 1 network, about .* MB on cpu", caplog.text)


def test_a_cohort_holds_one_target(pool):
    with pytest.raises(ValueError, match="one kind of target"):
        train([make(), make(target="gaussian")], pool)
    assert LENGTH < 20 and set(targets.target_names()) == {*COORDINATES, *PLACE_CELLS}


def test_a_cohort_of_no_networks_is_refused(pool):
    with pytest.raises(ValueError, match="cohort: found no networks; allowed: one or more"):
        train([], pool)
