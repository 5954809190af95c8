"""The networks of Banino et al.: equations, inputs, dropout and initial weights."""

import numpy as np
import pytest
import torch
from nofreelunch.networks.published import banino

SPEC = {
    "lstm_units": 6,
    "units": 9,
    "bottleneck_bias": True,
    "place_cells": 7,
    "direction_cells": 4,
    "dropout": 0.5,
    "seed": 0,
}


def networks(**keys) -> banino.BottleneckNetworks:
    weights = banino.initialize([SPEC | keys, SPEC | {"seed": 1} | keys])
    torch.manual_seed(0)
    for name, weight in weights.items():
        if name.endswith("bias"):
            weight.normal_()
    return banino.BottleneckNetworks(weights)


def by_hand(w: dict, start: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
    """States (time, sample, unit) of one network, step by step."""
    h, c, found = start @ w["encoder"], start @ w["memory"], []
    for now in inputs:
        gates = now @ w["input"] + h @ w["recurrent"] + w["bias"]
        entry, forget, candidate, leave = gates.chunk(4, -1)
        c = torch.sigmoid(forget) * c + torch.sigmoid(entry) * torch.tanh(candidate)
        h = torch.sigmoid(leave) * torch.tanh(c)
        found.append(h)
    return torch.stack(found)


@pytest.mark.parametrize("bias", [True, False])
def test_activity_and_outputs_follow_the_papers_equations(bias):
    found = networks(bottleneck_bias=bias)
    start, inputs = torch.rand(2, 5, 11), torch.randn(2, 8, 5, 3)
    states, activity = found.run(start, inputs)
    heads = found.read_out(activity)
    for k in range(2):
        w = {name: weight[k] for name, weight in found.weights.items()}
        expected = by_hand(w, start[k], inputs[k])
        torch.testing.assert_close(states[k], expected)
        g = expected @ w["bottleneck"] + (w["bottleneck_bias"] if bias else 0.0)
        torch.testing.assert_close(activity[k], g)
        torch.testing.assert_close(heads[0][k], g @ w["place"] + w["place_bias"])
        torch.testing.assert_close(heads[1][k], g @ w["direction"] + w["direction_bias"])
    assert ("bottleneck_bias" in found.weights) == bias


def test_the_gradient_of_the_fused_loop_is_that_of_the_equations():
    found = networks()
    start, inputs = torch.rand(2, 5, 11), torch.randn(2, 8, 5, 3)
    w = {name: weight.requires_grad_() for name, weight in found.weights.items()}
    names = [name for name in w if name in ("encoder", "memory", "input", "recurrent", "bias")]
    loss = found.run(start, inputs)[0].square().sum()
    fused = torch.autograd.grad(loss, [w[name] for name in names])
    each = [by_hand({k: v[n] for k, v in w.items()}, start[n], inputs[n]) for n in range(2)]
    loss = torch.stack(each).square().sum()
    expected = torch.autograd.grad(loss, [w[name] for name in names])
    for one, other in zip(fused, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_chosen_times_are_those_of_the_whole_run():
    found, start, inputs = networks(), torch.rand(2, 5, 11), torch.randn(2, 8, 5, 3)
    _, whole = found.run(start, inputs)
    _, some = found.run(start, inputs, slice(1, None, 3))
    torch.testing.assert_close(some, whole[:, 1::3])


def test_inputs_are_speed_and_turn_between_moments():
    position = torch.tensor([[[0.0, 0.0]], [[0.3, 0.4]], [[0.3, 0.4]]])
    heading = torch.tensor([[0.0], [torch.pi / 2], [torch.pi / 2 + 2 * torch.pi]])
    found = banino.inputs_of(position, heading, 0.5)
    torch.testing.assert_close(found[:, 0], torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))


def test_dropout_drops_the_share_that_it_says_and_keeps_the_mean():
    specs = [SPEC, SPEC | {"dropout": 0.2, "seed": 1}, SPEC | {"dropout": 0.0}]
    factors = banino.dropout_factors(specs, 3, (100, 50, 9))
    for factor, rate in zip(factors, (0.5, 0.2, 0.0), strict=True):
        assert (factor == 0).float().mean().item() == pytest.approx(rate, abs=0.01)  # 45,000 draws
        np.testing.assert_allclose(factor[factor != 0].numpy(), 1 / (1 - rate), rtol=1e-6)
    again = banino.dropout_factors(specs[1:2], 3, (100, 50, 9))
    assert torch.equal(again[0], factors[1])
    assert not torch.equal(banino.dropout_factors(specs[1:2], 4, (100, 50, 9))[0], factors[1])
    assert banino.dropout_factors([SPEC | {"dropout": 0.0}], 3, (4, 5, 9)) is None


def test_initial_weights_have_the_librarys_spread_and_open_forget_gates():
    spec = SPEC | {"lstm_units": 128, "units": 256, "place_cells": 256}
    w = {name: weight[0].numpy() for name, weight in banino.initialize([spec]).items()}
    cut = 0.8796  # standard deviation of a normal that is cut at two of its own
    for name, inputs in (("place", 256), ("bottleneck", 128), ("recurrent", 131), ("encoder", 260)):
        assert w[name].std() == pytest.approx(cut * inputs**-0.5, rel=0.02)
        assert np.abs(w[name]).max() <= 2 * inputs**-0.5
    gates = w["bias"][0].reshape(4, 128)
    assert (gates[1] == 1).all() and not gates[[0, 2, 3]].any()
    assert not w["place_bias"].any() and not w["bottleneck_bias"].any()
    pair = banino.initialize([SPEC, SPEC | {"seed": 1}])
    assert not torch.equal(pair["place"][0], pair["place"][1])
