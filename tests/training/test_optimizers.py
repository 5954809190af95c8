"""Optimisers against their published rules, schedules, weight decay, gradients."""

import numpy as np
import pytest
import torch
from nofreelunch.networks.initialize import initialize
from nofreelunch.networks.network_stack import NetworkStack
from nofreelunch.networks.shapes import cells
from nofreelunch.task import targets
from nofreelunch.training import optimizers
from training_examples import make, passes, stacked, train, walks, weights

KINDS = tuple(optimizers.OPTIMIZERS)


@pytest.fixture(scope="module")
def pool():
    return walks()


@pytest.fixture(params=["kernels", "torch"])
def kind_of_passes(request):
    with passes(request.param):
        yield request.param


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


def updated(specs, start, gradients):
    """Weights after the optimiser of `specs` has seen gradients (step, network, ...)."""
    weight = {"recurrent": torch.from_numpy(start).float()}
    optimizer = optimizers.Optimizer(specs, weight)
    alive = torch.ones(len(specs), 1, 1, dtype=torch.bool)
    for step, gradient in enumerate(gradients):
        gradient = torch.from_numpy(gradient).float()
        optimizer.update(weight, [gradient], optimizer.rates(step), alive)
    return weight["recurrent"].numpy()


@pytest.mark.parametrize("schedule", ["constant", "cosine", "warmup_cosine"])
def test_optimizers_follow_the_published_rules(schedule, kind_of_passes):
    """One stack mixes all four, each with its own rate and number of steps."""
    steps, total = 30, (30, 40, 30, 50)
    rates = (2.0**-7, 2.0**-5, 2.0**-6, 2.0**-4)  # powers of two are exact in float32
    specs = [
        make(optimizer=kind, schedule=schedule, steps=t, learning_rate=rate, weight_decay=0.0)
        for kind, rate, t in zip(KINDS, rates, total, strict=True)
    ]
    random = np.random.default_rng(0)
    start = random.normal(size=(4, 5, 3)).astype(np.float32).astype(float)
    # Gradients from 1 down to 1e-8, where epsilon decides; 15 of them fill no whole vector.
    gradients = random.normal(size=(steps, 4, 5, 3)) * 10.0 ** -np.arange(0, 9, 4)
    found = updated(specs, start, gradients)
    for k, kind in enumerate(KINDS):
        factors = np.ones(steps)
        if schedule != "constant":
            factors = (1 + np.cos(np.pi * np.arange(steps) / total[k])) / 2
        if schedule == "warmup_cosine":
            factors *= np.minimum(np.arange(1, steps + 1) / (0.1 * total[k]), 1)
        expected = published(kind, start[k], gradients[:, k], rates[k] * factors)
        # Thirty steps in float32, whose last digit is 1e-7.
        np.testing.assert_allclose(found[k], expected, rtol=3e-6, atol=3e-7)
        known = in_torch(kind, start[k], gradients[:, k], rates[k] * factors)
        large = np.s_[:, :1]  # columns whose gradients are far above epsilon
        np.testing.assert_allclose(found[k][large], known[large], rtol=1e-5)
        assert abs(found[k] - start[k]).max() > 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_networks_that_are_not_alive_stay(kind, kind_of_passes):
    """Whatever their gradients are, and in spite of the momentum they had."""
    specs = [make(optimizer=kind, seed=k) for k in range(2)]
    weight = {"recurrent": torch.ones(2, 3, 3)}
    optimizer = optimizers.Optimizer(specs, weight)
    alive = torch.ones(2, 1, 1, dtype=torch.bool)
    optimizer.update(weight, [torch.ones(2, 3, 3)], optimizer.rates(0), alive)
    before = weight["recurrent"].clone()
    alive[0] = False
    gradient = torch.ones(2, 3, 3)
    gradient[0] = torch.nan
    optimizer.update(weight, [gradient], optimizer.rates(1), alive)
    assert torch.equal(weight["recurrent"][0], before[0])
    assert (weight["recurrent"][1] < before[1]).all()


def test_schedules():
    assert [optimizers.schedule("constant", t, 10) for t in (0, 5, 9)] == [1, 1, 1]
    cosine = [optimizers.schedule("cosine", t, 10) for t in range(11)]
    assert cosine[0] == 1 and cosine[5] == pytest.approx(0.5) and cosine[10] == pytest.approx(0)
    assert all(np.diff(cosine) < 0)
    warm = [optimizers.schedule("warmup_cosine", t, 100) for t in range(101)]
    falling = [optimizers.schedule("cosine", t, 100) for t in range(101)]
    assert warm[9:] == falling[9:]
    assert warm[:10] == pytest.approx(np.arange(1, 11) / 10 * falling[:10])


@pytest.mark.parametrize("cell", cells())
def test_weight_decay_acts_on_the_recurrent_kernel(cell, pool, kind_of_passes):
    """One step of gradient descent: decay adds rate * 2 * decay * R to it and to nothing else.

    Without a recurrence, it is the input kernel.
    """
    rate, decay = 0.5, 0.25
    keys = {"optimizer": "sgd", "schedule": "constant", "learning_rate": rate, "steps": 1}
    specs = [make(cell, weight_decay=w, **keys) for w in (0.0, decay)]
    trained = train(specs, pool)
    drawn = initialize(specs[:1], 16).weights
    kernel = "recurrent" if cells()[cell].recurrent else "input"
    start = drawn[kernel][0].numpy()
    without, with_decay = weights(trained, 0), weights(trained, 1)
    for name in without:
        expected = -rate * 2 * decay * start if name == f"weight_{kernel}" else 0.0
        # float32 weights of order one.
        np.testing.assert_allclose(with_decay[name] - without[name], expected, atol=5e-7)
    assert trained["loss"][0].item() == pytest.approx(trained["loss"][1].item())  # not in the curve


@pytest.mark.parametrize("target", targets.target_names())
def test_gradient_is_that_of_the_target_loss(target, pool, kind_of_passes):
    """A step of gradient descent against finite differences of the loss, along its direction."""
    keys = {"optimizer": "sgd", "schedule": "constant", "learning_rate": 1e-3, "weight_decay": 0.0}
    spec = make(target=target, activation="tanh", steps=1, encoder_scale=1.0, **keys)
    trained = train([spec], pool)
    target = targets.build_targets([spec], [spec["seed"]])
    stack = initialize([spec], target.cells)
    position = stacked([spec], pool).minibatches.draw(0)[0].double()

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
    shifted = NetworkStack(stack.cell, stack.activation, {}, scale)
    slope = (loss(0.5) - loss(-0.5)) / 1.0
    squared = sum(
        ((weights(trained, 0)[f"weight_{k}"] - w[0].numpy()) ** 2).sum()
        for k, w in stack.weights.items()
    )
    # The step is -rate * gradient, along which the loss falls by |step|^2 / rate. float32 weights
    # of order one know a step of 1e-3 times the gradient to about one per cent.
    assert slope == pytest.approx(-squared / 1e-3, rel=0.02)
    assert trained["loss"][0, 0].item() == pytest.approx(loss(0.0), rel=1e-5)
