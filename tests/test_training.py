"""Training: networks alone and side by side, optimisers, dropout, divergence, learning curves."""

import json
import re

import numpy as np
import pytest
import torch
from nofreelunch import networks, targets, training
from nofreelunch.cohorts import Cohort, Network
from nofreelunch.networks import GATES
from nofreelunch.trajectories import apply_symmetry, random_walk

LENGTH, STEPS = 5, 200
CPU = torch.device("cpu")
# Alone and side by side differ by what vector instructions round differently at other places in
# memory: 1e-7 after 200 steps where this was written, with room for other processors.
ROUNDING = 1e-5


def make(cell="rnn", seed=0, **keys):
    spec = {
        "target": "difference_of_softmaxes",
        "place_cells": 16,
        "place_cell_width": 0.3,
        "surround": {"width_ratio": 2.0},
        "amplitude_ratio": None,
        "fields_per_cell": 1,
        "cell": cell,
        "activation": "relu",
        "units": 12,
        "initializer": "torch_default",
        "encoder_scale": 16.0,
        "dropout": {"readout": 0.0, "recurrent": 0.0},
        "optimizer": "adam",
        "learning_rate": 2e-3,
        "schedule": "cosine",
        "weight_decay": 1e-4,
        "batch_size": 10,
        "sequence_length": LENGTH,
        "steps": STEPS,
        "seed": seed,
    }
    assert set(keys) <= set(spec)
    return spec | keys


def cartesian(**keys):
    unused = ("place_cells", "place_cell_width", "surround", "fields_per_cell")
    return make(target="cartesian", encoder_scale=1.0, **dict.fromkeys(unused), **keys)


@pytest.fixture(scope="module")
def pool():
    return random_walk(500, LENGTH, seed=1)


def train(specs, pool):
    return training.train(Cohort("cohort", tuple(map(Network, specs))), pool, "cpu")


def weights(trained, network):
    """Weights of the `network`-th network, by name."""
    return {k: v.values[network] for k, v in trained.items() if k.startswith("weight_")}


def farthest(one, other):
    """Largest difference between two networks' weights."""
    return max(abs(one[k] - other[k]).max() for k in one)


# ---- Alone and side by side


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


# ---- Optimisers


def published(kind, w, gradients, rates):
    """The update rules as Keras states them, one scalar formula each, in float64."""
    mean, square = 0.0, 0.1 if kind == "adagrad" else 0.0
    for t, (g, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        if kind == "sgd":
            step = g
        elif kind == "adagrad":
            square = square + g**2
            step = g / (np.sqrt(square) + 1e-7)
        elif kind == "rmsprop":
            square = 0.9 * square + 0.1 * g**2
            step = g / (np.sqrt(square) + 1e-7)
        else:
            mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g**2
            correction = np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            step = correction * mean / (np.sqrt(square) + 1e-7)
        w = w - rate * step
    return w


def in_torch(kind, w, gradients, rates):
    """The same by torch.optim, whose Adam places epsilon elsewhere (of no account here)."""
    w = torch.tensor(w, requires_grad=True)
    optimizer = {
        "adam": lambda: torch.optim.Adam([w], eps=1e-7),
        "rmsprop": lambda: torch.optim.RMSprop([w], alpha=0.9, eps=1e-7),
        "adagrad": lambda: torch.optim.Adagrad([w], initial_accumulator_value=0.1, eps=1e-7),
        "sgd": lambda: torch.optim.SGD([w]),
    }[kind]()
    for g, rate in zip(gradients, rates, strict=True):
        optimizer.param_groups[0]["lr"] = rate
        w.grad = torch.from_numpy(g)
        optimizer.step()
    return w.detach().numpy()


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
@pytest.mark.parametrize("kind", ["adam", "rmsprop", "adagrad", "sgd"])
def test_optimizers_follow_the_published_rules(kind, schedule):
    steps, base = 30, (2.0**-7, 2.0**-5)  # powers of two are exact in float32
    specs = [make(optimizer=kind, schedule=schedule, steps=steps, learning_rate=r) for r in base]
    for spec in specs:
        spec["weight_decay"] = 0.0
    random = np.random.default_rng(0)
    start = random.normal(size=(2, 4, 3))
    # Gradients from 1 down to 1e-8, where epsilon decides.
    gradients = random.normal(size=(steps, 2, 4, 3)) * 10.0 ** -np.arange(0, 9, 4)
    weight = {"recurrent": torch.from_numpy(start.copy())}
    optimizer = training.Optimizer(specs, weight, CPU)
    for step, gradient in enumerate(gradients):
        alive = torch.ones(2, 1, 1, dtype=torch.bool)
        optimizer.update(weight, [torch.from_numpy(gradient)], alive, step)
    factors = np.ones(steps)
    if schedule == "cosine":
        factors = (1 + np.cos(np.pi * np.arange(steps) / steps)) / 2
    for k, rate in enumerate(base):
        found = weight["recurrent"][k].numpy()
        expected = published(kind, start[k], gradients[:, k], rate * factors)
        # The accumulators' start of 0.1 and the rates pass through float64 and float32.
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
        known = in_torch(kind, start[k], gradients[:, k], rate * factors)
        large = np.s_[:, :1]  # columns whose gradients are far above epsilon
        np.testing.assert_allclose(found[large], known[large], rtol=1e-5)


def test_schedules():
    assert [training.schedule("constant", t, 10) for t in (0, 5, 9)] == [1, 1, 1]
    cosine = [training.schedule("cosine", t, 10) for t in range(11)]
    assert cosine[0] == 1 and cosine[5] == pytest.approx(0.5) and cosine[10] == pytest.approx(0)
    assert all(np.diff(cosine) < 0)


@pytest.mark.parametrize("cell", GATES)
def test_weight_decay_acts_on_the_recurrent_kernel(cell, pool):
    """One step of gradient descent: decay adds rate * 2 * decay * R to it and to nothing else."""
    rate, decay = 0.5, 0.25
    keys = {"optimizer": "sgd", "schedule": "constant", "learning_rate": rate, "steps": 1}
    specs = [make(cell, weight_decay=w, **keys) for w in (0.0, decay)]
    trained = train(specs, pool)
    start = networks.initialize(specs[:1], 16).weights["recurrent"][0].numpy()
    without, with_decay = weights(trained, 0), weights(trained, 1)
    for name in without:
        expected = -rate * 2 * decay * start if name == "weight_recurrent" else 0.0
        # float32 weights of order one.
        np.testing.assert_allclose(with_decay[name] - without[name], expected, atol=5e-7)
    assert trained["loss"][0].item() == pytest.approx(trained["loss"][1].item())  # not in the curve


@pytest.mark.parametrize("target", targets.names())
def test_gradient_is_that_of_the_target_loss(target, pool):
    """A step of gradient descent against finite differences of the loss, along its direction."""
    keys = {"optimizer": "sgd", "schedule": "constant", "learning_rate": 1e-3, "weight_decay": 0.0}
    spec = make(target=target, activation="tanh", steps=1, encoder_scale=1.0, **keys)
    trained = train([spec], pool)
    target = targets.build_stack([spec], [spec["seed"]])
    stack = networks.initialize([spec], target.cells)
    position = training.Minibatches(pool, [spec]).draw(0).double()

    def loss(amount):
        """Mean loss with the weights moved by `amount` times the step that training made."""
        for name, weight in stack.weights.items():
            moved = torch.from_numpy(weights(trained, 0)[f"weight_{name}"])[None].double()
            moved = weight.double() + amount * (moved - weight.double())
            shifted.weights[name] = moved
        code = target.encode(position)
        activity = shifted.run(code[:, 0], position[:, 1:] - position[:, :-1])
        return target.loss(shifted.read_out(activity), code[:, 1:]).item()

    scale = torch.ones(1, 1, 1, dtype=torch.float64)
    shifted = networks.Stack(stack.cell, stack.activation, {}, scale)
    slope = (loss(0.5) - loss(-0.5)) / 1.0
    squared = sum(
        ((weights(trained, 0)[f"weight_{k}"] - w[0].numpy()) ** 2).sum()
        for k, w in stack.weights.items()
    )
    # The step is -rate * gradient, along which the loss falls by |step|^2 / rate. float32 weights
    # of order one know a step of 1e-3 times the gradient to about one per cent.
    assert slope == pytest.approx(-squared / 1e-3, rel=0.02)
    assert trained["loss"][0, 0].item() == pytest.approx(loss(0.0), rel=1e-5)


# ---- Dropout


def drops(readout=0.0, recurrent=0.0, **keys):
    return make(dropout={"readout": readout, "recurrent": recurrent}, **keys)


def test_dropout_masks_drop_and_keep_the_expectation():
    specs = [drops(0.5, 0.25, units=200), drops(0.1, 0.4, units=200, seed=1)]
    stack = networks.initialize(specs, 16)
    dropout = training.Dropout(specs, CPU)
    activity = torch.ones(2, 30, 10, 200)
    for rates, factors in (
        ((0.25, 0.4), dropout.mask("recurrent", stack)),
        ((0.5, 0.1), dropout.apply(activity)),
    ):
        for k, rate in enumerate(rates):
            values = factors[k]
            kept = torch.tensor(1 / (1 - rate))
            assert ((values == 0) | (values == kept)).all()
            # 2,000 or 60,000 draws.
            spread = (rate * (1 - rate) / values.numel()) ** 0.5
            assert (values == 0).double().mean() == pytest.approx(rate, abs=4 * spread)
    assert dropout.mask("recurrent", stack).shape == (2, 10, 200)
    first, second = dropout.mask("recurrent", stack), dropout.mask("recurrent", stack)
    assert not torch.equal(first, second)  # anew for every minibatch


def test_no_dropout_drops_nothing():
    specs = [drops(), drops(seed=1)]
    stack = networks.initialize(specs, 16)
    dropout = training.Dropout(specs, CPU)
    activity = torch.rand(2, 3, 10, 12)
    assert dropout.mask("recurrent", stack) is None
    assert dropout.apply(activity) is activity


@pytest.mark.parametrize("where", ["readout", "recurrent"])
@pytest.mark.parametrize("cell", GATES)
def test_dropout_changes_training(cell, where, pool):
    specs = [drops(cell=cell, steps=30), drops(cell=cell, steps=30, **{where: 0.5})]
    trained = train(specs, pool)
    assert farthest(weights(trained, 0), weights(trained, 1)) > 0.01
    assert trained["loss"][0, 0] != trained["loss"][1, 0]


def test_dropout_does_not_depend_on_the_cohort(pool):
    """Nor on whether its neighbours drop: a rate of 0 beside others is no dropout."""
    specs = [drops(0.3, 0.0), drops(0.0, 0.3, seed=1), drops(0.0, 0.0, seed=2)]
    together = train(specs, pool)
    for k, spec in enumerate(specs):
        assert farthest(weights(train([spec], pool), 0), weights(together, k)) < ROUNDING


# ---- Divergence


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


# ---- Learning


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
    assert trained.attrs == {"device": "cpu", "arena": 2.2}
    assert trained["position_error"].attrs["units"] == "m"
    for name, shape in networks.shapes("lstm", 12, 16).items():
        assert trained[f"weight_{name}"].shape == (2, *shape)
        assert trained[f"weight_{name}"].dtype == np.float32


def test_progress_is_logged(pool, caplog):
    with caplog.at_level("INFO"):
        train([make(steps=5)], pool)
    assert re.search(
        r"cohort: step 5/5, loss \d\.\d+, position error [\d.]+ cm, [\d.]+ networks·steps/s, 0 s left",
        caplog.text,
    )


# ---- Minibatches


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


# ---- Bad input


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
