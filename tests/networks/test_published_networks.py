"""The networks of the published models: their equations, initial weights and gradients."""

import numpy as np
import pytest
import torch
from nofreelunch.networks.published import cueva_wei, nayebi, sorscher

UNITS, CELLS, HIDDEN = 5, 7, 3
LEAKY = {
    "units": UNITS,
    "angle": "scalar",
    "recurrent_weights": "orthogonal",
    "noise": 0.5,
    "seed": 0,
}
LSTM = {"units": UNITS, "lstm_units": HIDDEN, "activation": "tanh", "encoder_scale": 2.0, "seed": 0}


def leaky(count: int = 2, **keys) -> cueva_wei.LeakyNetworks:
    weights = cueva_wei.initialize([LEAKY | {"seed": seed} | keys for seed in range(count)])
    return cueva_wei.LeakyNetworks(weights, torch.full((count, 1, 1), 0.5))


def test_leaky_units_follow_the_papers_equation():
    networks, drawn = leaky(), torch.randn(2, 6, 4, UNITS)
    inputs, w = torch.randn(2, 6, 4, 2), networks.weights
    w["bias"].normal_()
    x = torch.zeros(2, 4, UNITS)
    expected = []
    for t in range(6):
        noise = 0.5 * drawn[:, t]
        change = -x + torch.tanh(x) @ w["recurrent"] + inputs[:, t] @ w["input"] + w["bias"] + noise
        x = x + 0.1 * change
        expected.append(torch.tanh(x))
    found = networks.run(inputs, drawn)
    torch.testing.assert_close(found, torch.stack(expected, 1))
    torch.testing.assert_close(networks.read_out(found), found @ w["decoder"][:, None])


def test_the_gradient_of_leaky_units_is_that_of_automatic_differentiation():
    torch.manual_seed(0)
    drive = torch.randn(2, 7, 3, UNITS, dtype=torch.double, requires_grad=True)
    recurrent = torch.randn(2, UNITS, UNITS, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(cueva_wei._LeakyRecurrence.apply, (drive, recurrent))


def test_a_scalar_angle_jumps_at_the_back_and_sine_and_cosine_do_not():
    velocity = torch.tensor([[0.2, 0.0], [0.0, 0.0]])
    heading = torch.tensor([torch.pi - 1e-3, torch.pi + 1e-3])
    scalar = cueva_wei.inputs_of(velocity, heading, 0.1, "scalar")
    torch.testing.assert_close(scalar[:, 0], torch.tensor([2.0, 0.0]))  # speed, in mean steps
    assert scalar[0, 1] > 0.99 and scalar[1, 1] < -0.99
    assert (
        cueva_wei.inputs_of(velocity, heading, 0.1, "sine_cosine")[:, 1:].diff(dim=0).norm() < 0.01
    )


def test_the_loss_is_the_squared_error_and_the_two_costs():
    networks, answers = leaky(), torch.randn(2, 6, 4, 2)
    networks.weights["decoder"].normal_()
    activity = networks.run(torch.randn(2, 6, 4, 2), torch.randn(2, 6, 4, UNITS))
    costs = torch.tensor([0.0, 0.3]), torch.tensor([0.0, 0.7])
    loss, error = cueva_wei.penalised_error(networks, activity, answers, *costs)
    expected = (networks.read_out(activity) - answers).square().mean((1, 2, 3))
    torch.testing.assert_close(error, expected)
    assert loss[0] == error[0]
    weights = (
        networks.weights["input"][1].square().mean()
        + networks.weights["decoder"][1].square().mean()
    )
    torch.testing.assert_close(
        loss[1], error[1] + 0.3 * activity[1].square().mean() + 0.7 * weights
    )


@pytest.mark.parametrize("scheme", ["orthogonal", "normal"])
def test_leaky_networks_start_as_the_paper_says(scheme):
    spec = LEAKY | {"units": 200, "recurrent_weights": scheme}
    w = {name: weight[0].numpy() for name, weight in cueva_wei.initialize([spec]).items()}
    assert not w["bias"].any() and not w["decoder"].any()
    assert w["input"].std() == pytest.approx(2**-0.5, rel=0.1)  # of 400 numbers
    if scheme == "orthogonal":
        np.testing.assert_allclose(w["recurrent"] @ w["recurrent"].T, np.eye(200), atol=1e-5)
    else:
        assert w["recurrent"].std() == pytest.approx(1.5 / 200**0.5, rel=0.02)


def test_the_lstm_is_that_of_torch():
    networks = sorscher.initialize([LSTM], [CELLS])
    w = {name: weight[0] for name, weight in networks.weights.items()}
    w["bias"].normal_()
    reference = torch.nn.LSTM(2, HIDDEN)
    with torch.no_grad():
        reference.weight_ih_l0.copy_(w["input"].T)
        reference.weight_hh_l0.copy_(w["recurrent"].T)
        reference.bias_ih_l0.copy_(w["bias"][0])
        reference.bias_hh_l0.zero_()
    start, inputs = torch.rand(4, CELLS), torch.randn(6, 4, 2)
    state = (2 * start @ w["encoder"])[None], (2 * start @ w["memory"])[None]
    expected = torch.tanh(reference(inputs, state)[0] @ w["dense"])
    found = networks.run(start[None], inputs[None])
    torch.testing.assert_close(found[0], expected)
    torch.testing.assert_close(networks.read_out(found)[0], expected @ w["decoder"])


def test_the_lstm_starts_with_open_forget_gates():
    networks = sorscher.initialize([LSTM, LSTM | {"seed": 1}], [CELLS, CELLS])
    gates = networks.weights["bias"][0, 0].reshape(4, HIDDEN)
    assert (gates[1] == 1).all() and not gates[[0, 2, 3]].any()
    assert not torch.equal(networks.weights["dense"][0], networks.weights["dense"][1])


THREE = {
    "cell": "gru",
    "variant": "cue",
    "units": 30,
    "activation": "relu",
    "initializer": "glorot_uniform",
    "encoder_scale": 1.0,
    "seed": 0,
}


def test_cues_are_distances_from_the_sides_of_the_zones():
    position = torch.tensor([[0.0, 0.1], [0.35, 0.65], [-0.3, -0.3], [1.05, 0.5], [-0.7, -0.63]])
    found = nayebi.cue_distances(position)
    assert found.shape == (5, 5)
    torch.testing.assert_close(found.diagonal(), torch.tensor([0.0, 0.2, 0.0, 0.4, 0.0]))
    # From a corner of the first zone, 0.3 m wide, by Pythagoras.
    far = nayebi.cue_distances(torch.tensor([0.45, 0.55]))[0]
    assert far.item() == pytest.approx((0.3**2 + 0.4**2) ** 0.5)


def test_every_second_walk_has_the_cues_of_the_position_before_the_step():
    stack = nayebi.initialize([THREE], [CELLS])
    position = torch.rand(1, 7, 5, 2) * 2 - 1
    inputs = stack.inputs_of(position)
    torch.testing.assert_close(inputs[..., :2], position[:, 1:] - position[:, :-1])
    torch.testing.assert_close(
        inputs[:, :, ::2, 2:], nayebi.cue_distances(position[:, :-1])[:, :, ::2]
    )
    assert not inputs[:, :, 1::2, 2:].any()


def test_only_the_embedding_knows_that_there_are_cues():
    variants = ("plain", "cue", "reward")
    plain, cue, reward = (
        nayebi.initialize([THREE | {"variant": name}], [CELLS]) for name in variants
    )
    for name, weight in plain.weights.items():
        assert torch.equal(reward.weights[name], weight)
        assert torch.equal(cue.weights[name], weight) == (name != "embedding")
        shape = nayebi.weight_shapes(THREE, CELLS)[name]
        assert tuple(cue.weights[name][0].shape) == shape
    assert cue.weights["embedding"].abs().max() <= (6 / 37) ** 0.5
    assert cue.weights["embedding"].std() == pytest.approx((2 / 37) ** 0.5, rel=0.1)
    assert not isinstance(reward, nayebi.CuedStack)
