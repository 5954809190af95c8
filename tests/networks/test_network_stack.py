"""Networks: batched cells against one network at a time, and the draws of the initialisers."""

import math

import numpy as np
import pytest
import torch
from nofreelunch.networks import initialize as initialization
from nofreelunch.networks import network_stack, shapes
from nofreelunch.networks.cells import STEPS
from nofreelunch.networks.initialize import initialize
from nofreelunch.networks.network_stack import NetworkStack
from nofreelunch.networks.shapes import CellFacts, cells, kernel_between_units, weight_shapes
from scipy import stats
from torch import nn

CELLS = tuple(cells())
SCHEMES = ("torch_default", "glorot_uniform", "glorot_normal", "orthogonal")
PHI = {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "linear": lambda x: x}
OUTPUTS, UNITS, TIME, SAMPLES = 7, 5, 4, 3


def spec(cell="rnn", activation="relu", seed=0, **keys):
    return {
        "cell": cell,
        "activation": activation,
        "units": UNITS,
        "initializer": "torch_default",
        "encoder_scale": 1.0,
        "seed": seed,
        **keys,
    }


def in_double(stack):
    """The same networks in float64, with biases that are not zero."""
    random = np.random.default_rng(5)
    for name, weight in stack.weights.items():
        noise = torch.from_numpy(random.normal(size=weight.shape))
        stack.weights[name] = (weight + 0.3 * noise).double().requires_grad_()
    stack.encoder_scale = stack.encoder_scale.double()
    return stack


def inputs(count, seed=0):
    random = np.random.default_rng(seed)
    start = torch.from_numpy(random.normal(size=(count, SAMPLES, OUTPUTS)))
    velocity = torch.from_numpy(random.normal(size=(count, TIME, SAMPLES, 2)))
    return start, velocity


def one_network(cell, activation, w, start, velocity, scale, mask=None):
    """g and outputs of one network and one sample, from the equations, gate by gate."""
    phi, sigmoid = PHI[activation], torch.sigmoid
    start = scale * start
    hidden = start @ w["encoder"] if cell != "feedforward" else torch.zeros(UNITS)
    if cell not in ("rnn", "feedforward"):
        hidden = hidden + w["encoder_bias"]
    memory = start @ w["memory"] + w["memory_bias"] if cell == "lstm" else None
    activity, outputs = [], []
    n = len(hidden)
    for v in velocity:
        u = v if cell == "rnn" else v @ w["embedding"] + w["embedding_bias"]
        seen = hidden if mask is None else mask * hidden

        def part(k, u=u, seen=seen):  # one gate's share of input and recurrence
            columns = slice(k * n, (k + 1) * n)
            return u @ w["input"][:, columns], seen @ w["recurrent"][:, columns], columns

        if cell in ("rnn", "srnn"):
            hidden = phi(sum(part(0)[:2]))
        elif cell == "lstm":  # input, forget, candidate, output
            pre = [x + r + w["bias"][c] for x, r, c in map(part, range(4))]
            memory = sigmoid(pre[1]) * memory + sigmoid(pre[0]) * phi(pre[2])
            hidden = sigmoid(pre[3]) * phi(memory)
        elif cell == "gru":  # update, reset, candidate
            pre = [
                (x + w["bias"][c], r + w["recurrent_bias"][c]) for x, r, c in map(part, range(3))
            ]
            z, reset = sigmoid(sum(pre[0])), sigmoid(sum(pre[1]))
            hidden = z * hidden + (1 - z) * phi(pre[2][0] + reset * pre[2][1])
        elif cell == "ugrnn":  # gate, candidate
            pre = [x + r + w["bias"][c] for x, r, c in map(part, range(2))]
            z = sigmoid(pre[0] + 1)
            hidden = z * hidden + (1 - z) * phi(pre[1])
        elif cell == "feedforward":
            hidden = phi(u @ w["input"] + w["bias"])
        g = hidden if cell == "rnn" else phi(hidden @ w["dense"] + w["dense_bias"])
        activity.append(g)
        outputs.append(g @ w["decoder"] + (0 if cell == "rnn" else w["decoder_bias"]))
    return torch.stack(activity), torch.stack(outputs)


def plain(stack, start, velocity, mask=None):
    """The stack's g and outputs, one network and one sample at a time, and its weights."""
    copies, activity, outputs = [], [], []
    for k in range(len(start)):
        w = {}
        for name, weight in stack.weights.items():
            own = weight[k].detach().clone()
            own = own[0] if name.endswith("bias") else own
            w[name] = own.requires_grad_()
        runs = [
            one_network(
                stack.cell,
                stack.activation,
                w,
                start[k, i],
                velocity[k, :, i],
                stack.encoder_scale[k, 0, 0],
                None if mask is None else mask[k, i],
            )
            for i in range(SAMPLES)
        ]
        activity.append(torch.stack([g for g, _ in runs], 1))
        outputs.append(torch.stack([o for _, o in runs], 1))
        copies.append(w)
    return torch.stack(activity), torch.stack(outputs), copies


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("activation", PHI)
@pytest.mark.parametrize("cell", CELLS)
def test_outputs_and_gradients_are_those_of_single_networks(cell, activation, masked):
    scales = (1.0, 3.0)
    specs = [spec(cell, activation, seed=k, encoder_scale=s) for k, s in enumerate(scales)]
    stack = in_double(initialize(specs, OUTPUTS))
    start, velocity = inputs(2)
    mask = None
    if masked:
        mask = 2.0 * torch.from_numpy(np.random.default_rng(1).integers(0, 2, (2, SAMPLES, UNITS)))
    activity = stack.run(start, velocity, mask)
    output = stack.read_out(activity)
    assert activity.shape == (2, TIME, SAMPLES, UNITS)
    assert output.shape == (2, TIME, SAMPLES, OUTPUTS)
    expected, expected_output, copies = plain(stack, start, velocity, mask)
    # float64: sums in another order.
    np.testing.assert_allclose(activity.detach(), expected.detach(), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(output.detach(), expected_output.detach(), rtol=1e-10, atol=1e-12)
    weighting = torch.from_numpy(np.random.default_rng(2).normal(size=output.shape))
    gradients = torch.autograd.grad((output * weighting).sum(), list(stack.weights.values()))
    (expected_output * weighting).sum().backward()
    for name, gradient in zip(stack.weights, gradients, strict=True):
        for k, w in enumerate(copies):
            found = gradient[k, 0] if name.endswith("bias") else gradient[k]
            np.testing.assert_allclose(found, w[name].grad, rtol=1e-9, atol=1e-11, err_msg=name)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("cell", ["rnn", "srnn"])
def test_simple_cells_are_torch_rnn(cell, activation):
    stack = in_double(initialize([spec(cell, activation)], OUTPUTS))
    w = {k: v[0].detach() for k, v in stack.weights.items()}
    start, velocity = inputs(1)
    size = 2 if cell == "rnn" else UNITS
    reference = nn.RNN(size, UNITS, nonlinearity=activation, bias=False).double()
    with torch.no_grad():
        reference.weight_ih_l0.copy_(w["input"].T)
        reference.weight_hh_l0.copy_(w["recurrent"].T)
        hidden, drive = start[0] @ w["encoder"], velocity[0]
        if cell == "srnn":
            hidden, drive = hidden + w["encoder_bias"], drive @ w["embedding"] + w["embedding_bias"]
        expected, _ = reference(drive, hidden[None])
        if cell == "srnn":
            expected = PHI[activation](expected @ w["dense"] + w["dense_bias"])
    np.testing.assert_allclose(stack.run(start, velocity)[0].detach(), expected, atol=1e-13)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_gated_cells_are_torch_lstm_and_gru(cell):
    stack = in_double(initialize([spec(cell, "tanh")], OUTPUTS))
    w = {k: v[0].detach() for k, v in stack.weights.items()}
    start, velocity = inputs(1)
    reference = (nn.LSTM if cell == "lstm" else nn.GRU)(UNITS, UNITS).double()

    def gates(matrix):
        """Ours are update, reset, candidate; torch wants reset, update, candidate."""
        parts = list(matrix.split(UNITS, -1))
        if cell == "gru":
            parts[0], parts[1] = parts[1], parts[0]
        return torch.cat(parts, -1)

    with torch.no_grad():
        reference.weight_ih_l0.copy_(gates(w["input"]).T)
        reference.weight_hh_l0.copy_(gates(w["recurrent"]).T)
        reference.bias_ih_l0.copy_(gates(w["bias"])[0])
        reference.bias_hh_l0.zero_()
        if cell == "gru":
            reference.bias_hh_l0.copy_(gates(w["recurrent_bias"])[0])
        hidden = (start[0] @ w["encoder"] + w["encoder_bias"])[None]
        if cell == "lstm":
            hidden = (hidden, (start[0] @ w["memory"] + w["memory_bias"])[None])
        states, _ = reference(velocity[0] @ w["embedding"] + w["embedding_bias"], hidden)
        expected = torch.tanh(states @ w["dense"] + w["dense_bias"])
    np.testing.assert_allclose(stack.run(start, velocity)[0].detach(), expected, atol=1e-13)


@pytest.mark.parametrize("cell", ["lstm", "gru", "ugrnn"])
def test_dropped_units_still_carry_their_own_state(cell):
    """A mask acts on what the recurrent kernel sees; on the carry it would compound every step."""
    stack = in_double(initialize([spec(cell, "tanh")], OUTPUTS))
    for name in ("recurrent", "input"):
        stack.weights[name] = torch.zeros_like(stack.weights[name])
    start, velocity = inputs(1)
    mask = torch.tensor([0.0, 2.0, 2.0, 0.0, 2.0], dtype=torch.float64).expand(1, SAMPLES, UNITS)
    seen = stack.run(start, velocity, mask)
    np.testing.assert_array_equal(seen.detach(), stack.run(start, velocity).detach())


@pytest.mark.parametrize("cell", CELLS)
def test_networks_receive_displacements_or_the_position(cell):
    position = torch.rand(2, TIME + 1, SAMPLES, 2, generator=torch.Generator().manual_seed(0))
    received = initialize([spec(cell, seed=k) for k in range(2)], OUTPUTS).inputs_of(position)
    if cell == "feedforward":
        assert torch.equal(received, position[:, 1:])
    else:
        torch.testing.assert_close(position[:, :1] + received.cumsum(1), position[:, 1:])


def test_a_cell_without_a_recurrence_sees_its_own_time_step_alone():
    stack = in_double(initialize([spec("feedforward")], OUTPUTS))
    start, position = inputs(1)
    activity = stack.run(start, position)
    assert torch.equal(activity, stack.run(start + 1, position))
    other = position.clone()
    other[:, 0] += 1
    changed = (stack.run(start, other) != activity).any(-1).any(-1)[0]
    assert changed.tolist() == [True] + [False] * (TIME - 1)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("cell", CELLS)
def test_shapes_and_biases(cell, scheme):
    specs = [spec(cell, seed=k, initializer=scheme) for k in range(2)]
    stack = initialize(specs, OUTPUTS)
    layout = weight_shapes(cell, UNITS, OUTPUTS)
    assert {k: tuple(w.shape) for k, w in stack.weights.items()} == {
        k: (2, *shape) for k, shape in layout.items()
    }
    assert all(w.dtype == torch.float32 for w in stack.weights.values())
    biases = {k: w for k, w in stack.weights.items() if k.endswith("bias")}
    assert bool(biases) == (cell != "rnn")
    if scheme == "torch_default":
        assert all((w != 0).all() for w in biases.values())
        return
    if cell == "lstm":
        forget = biases["bias"][..., UNITS : 2 * UNITS]
        assert (forget == 1).all()
        biases["bias"][..., UNITS : 2 * UNITS] = 0
    assert all((w == 0).all() for w in biases.values())


@pytest.mark.parametrize("cell", CELLS)
def test_torch_default_bounds(cell):
    units, outputs = 64, 100
    weights = initialize([spec(cell, units=units)], outputs).weights
    inputs_of = {"encoder": outputs, "memory": outputs, "embedding": 2, "dense": units}
    for name, weight in weights.items():
        layer = name.removesuffix("_bias")
        # Recurrent layers take the bound of their units, dense ones that of their inputs.
        bound = 1 / math.sqrt(inputs_of.get(layer, units))
        values = weight.numpy().ravel()
        assert stats.kstest(values, stats.uniform(-bound, 2 * bound).cdf).pvalue > 1e-3, name
        assert abs(values).max() <= bound * (1 + 1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_glorot_bounds_and_spread(cell):
    units, outputs = 64, 100
    uniform = initialize([spec(cell, units=units, initializer="glorot_uniform")], outputs)
    normal = initialize([spec(cell, units=units, initializer="glorot_normal")], outputs)
    for name, shape in weight_shapes(cell, units, outputs).items():
        if name.endswith("bias"):
            continue
        bound = math.sqrt(6 / sum(shape))
        values = uniform.weights[name].numpy().ravel()
        assert stats.kstest(values, stats.uniform(-bound, 2 * bound).cdf).pvalue > 1e-3, name
        if name == kernel_between_units(uniform.weights):
            values = normal.weights[name].numpy().ravel() / math.sqrt(2 / sum(shape))
            assert stats.kstest(values, stats.norm.cdf).pvalue > 1e-3
        else:  # the option names that kernel alone
            values = normal.weights[name].numpy().ravel()
            assert stats.kstest(values, stats.uniform(-bound, 2 * bound).cdf).pvalue > 1e-3, name


@pytest.mark.parametrize("cell", CELLS)
def test_orthogonal_kernels_have_orthonormal_rows(cell):
    units = 32
    weights = initialize([spec(cell, units=units, initializer="orthogonal")], OUTPUTS)
    kernel = weights.weights[kernel_between_units(weights.weights)][0].double()
    assert kernel.shape == (units, cells()[cell].gates * units)
    # float32 rounding of the entries.
    np.testing.assert_allclose(kernel @ kernel.T, np.eye(units), atol=1e-6)


def test_orthogonal_draws_have_no_preferred_sign():
    """Without the correction of signs the trace of an orthogonal draw is far below zero."""
    specs = [spec(units=8, seed=k, initializer="orthogonal") for k in range(300)]
    kernels = initialize(specs, OUTPUTS).weights["recurrent"]
    traces = kernels.diagonal(dim1=1, dim2=2).sum(1)
    # The trace of a uniform orthogonal matrix has mean 0 and variance 1: 0.06 over 300 draws.
    assert abs(traces.mean()) < 0.25
    assert traces.var() == pytest.approx(1, abs=0.3)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("cell", CELLS)
def test_weights_do_not_depend_on_the_cohort(cell, scheme):
    specs = [spec(cell, seed=k, initializer=scheme) for k in (4, 0, 9)]
    together = initialize(specs, OUTPUTS).weights
    for k, alone in enumerate(specs):
        for name, weight in initialize([alone], OUTPUTS).weights.items():
            assert torch.equal(weight[0], together[name][k]), name
    assert not torch.equal(together["decoder"][0], together["decoder"][1])


@pytest.mark.parametrize("cell", CELLS)
def test_networks_with_fewer_outputs_are_padded_with_zeros(cell):
    specs = [spec(cell, seed=k) for k in (4, 0, 9)]
    outputs = (OUTPUTS, 3, OUTPUTS + 2)
    together = initialize(specs, outputs).weights
    for k, (alone, count) in enumerate(zip(specs, outputs, strict=True)):
        for name, weight in initialize([alone], count).weights.items():
            rows, columns = weight.shape[1:]
            padded = together[name][k].clone()
            assert torch.equal(padded[:rows, :columns], weight[0]), name
            padded[:rows, :columns] = 0
            assert (padded == 0).all(), name


def test_global_random_state_is_left_alone():
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    initialize([spec("lstm", initializer="orthogonal")], OUTPUTS)
    np.testing.assert_array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[1])


@pytest.mark.parametrize("cell", [name for name, facts in cells().items() if facts.by_hand])
@pytest.mark.parametrize("masked", [False, True])
def test_a_cell_with_a_gradient_by_hand_is_its_function(cell, masked, monkeypatch):
    """What `recurrence` runs in its place gives the same activity and the same gradients."""

    def run():
        stack = initialize([spec(cell, seed=k) for k in range(2)], OUTPUTS)
        weights = {k: w.double().requires_grad_() for k, w in stack.weights.items()}
        stack = NetworkStack(cell, "tanh", weights, stack.encoder_scale.double())
        random = torch.Generator().manual_seed(0)
        start = torch.rand(2, 3, OUTPUTS, generator=random, dtype=torch.float64)
        velocity = torch.rand(2, 4, 3, 2, generator=random, dtype=torch.float64)
        units = weights["recurrent"].shape[1]
        mask = torch.rand(2, 3, units, generator=random, dtype=torch.float64) if masked else None
        activity = stack.run(start, velocity, mask)
        return activity, torch.autograd.grad(
            activity.square().sum(), list(weights.values()), allow_unused=True
        )

    activity, gradients = run()
    facts = {name: facts._replace(by_hand=False) for name, facts in cells().items()}
    monkeypatch.setattr(network_stack, "cells", lambda: facts)
    expected, of_function = run()
    torch.testing.assert_close(activity, expected)
    for found, other in zip(gradients, of_function, strict=True):
        assert (found is None) == (other is None)
        if found is not None:
            torch.testing.assert_close(found, other)


@pytest.mark.parametrize(
    "facts",
    [
        {"gates": 1},
        {"gates": 1, "memory": True},
        {"gates": 2, "bias": False},
        {"gates": 2, "bare": True},
        {"gates": 3, "bare": True, "memory": True, "recurrent_bias": True},
    ],
)
def test_any_facts_of_a_cell_of_ones_own_are_heeded(facts, monkeypatch):
    """A cell that is not by hand is run by its function, whatever its gates, biases and states."""
    seen = []

    def step(w, phi, drive, before, state, memory):
        seen.append((drive.shape[-1] // state.shape[-1], memory is not None))
        return phi(drive.chunk(facts["gates"], -1)[0] + state), memory

    mine = {**cells(), "mine": CellFacts(**facts)}
    for module in (network_stack, shapes, initialization):
        monkeypatch.setattr(module, "cells", lambda: mine)
    monkeypatch.setitem(STEPS, "mine", step)
    stack = initialize([spec("mine", units=6)], OUTPUTS)
    activity = stack.run(torch.rand(1, 2, OUTPUTS), torch.rand(1, 3, 2, 2))
    assert activity.shape == (1, 3, 2, 6)
    assert seen == [(facts["gates"], facts.get("memory", False))] * 3
    assert ("bias" in stack.weights) == facts.get("bias", True)
