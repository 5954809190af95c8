"""Optimisers against their published rules, weight decay, gradients, dropout."""

import numpy as np
import pytest
import torch
from nofreelunch import networks, targets, training
from nofreelunch.networks import GATES
from training_examples import (
    CPU,
    ROUNDING,
    farthest,
    make,
    train,
    walks,
    weights,
)


@pytest.fixture(scope="module")
def pool():
    return walks()


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


@pytest.mark.parametrize("kind", ["adam", "rmsprop", "adagrad", "sgd"])
def test_networks_that_are_not_alive_stay(kind):
    """Whatever their gradients are, and in spite of the momentum they had."""
    specs = [make(optimizer=kind, seed=k) for k in range(2)]
    weight = {"recurrent": torch.ones(2, 3, 3)}
    optimizer = training.Optimizer(specs, weight, CPU)
    alive = torch.ones(2, 1, 1, dtype=torch.bool)
    optimizer.update(weight, [torch.ones(2, 3, 3)], alive, 0)
    before = weight["recurrent"].clone()
    alive[0] = False
    gradient = torch.ones(2, 3, 3)
    gradient[0] = torch.nan
    optimizer.update(weight, [gradient], alive, 1)
    assert torch.equal(weight["recurrent"][0], before[0])
    assert (weight["recurrent"][1] < before[1]).all()


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
