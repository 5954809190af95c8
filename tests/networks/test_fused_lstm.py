"""LSTMs by torch's own loop over time, against a loop of single steps."""

import torch
from nofreelunch.networks.cells import lstm
from nofreelunch.networks.fused_lstm import fused_lstm

SHAPES = {"inputs": (4, 3, 2), "state": (3, 5), "memory": (3, 5), "kernel": (2, 20)}
SHAPES |= {"recurrent": (5, 20), "bias": (1, 20)}


def looped(inputs, state, memory, kernel, recurrent, bias):
    states = []
    for now in inputs.unbind(1):
        drive = torch.baddbmm(bias, now, kernel)
        state, memory = lstm({"recurrent": recurrent}, torch.tanh, drive, state, state, memory)
        states.append(state)
    return torch.stack(states, 1)


def test_it_is_the_loop_of_single_steps_with_its_gradients():
    torch.manual_seed(0)
    found = []
    given = [torch.randn(2, *shape, dtype=torch.double) for shape in SHAPES.values()]
    for function in (fused_lstm, looped):
        arguments = [x.clone().requires_grad_() for x in given]
        states = function(*arguments)
        assert states.shape == (2, 4, 3, 5)
        weighted = states * torch.linspace(-1, 1, states.numel()).view_as(states)
        found.append([states, *torch.autograd.grad(weighted.sum(), arguments)])
    for fused, stepped in zip(*found, strict=True):
        torch.testing.assert_close(fused, stepped)
