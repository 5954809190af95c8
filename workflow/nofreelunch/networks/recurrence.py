"""The recurrence of cells without gates, h_t = phi(u_t I + m h_{t-1} R), with its gradient.

Automatic differentiation computes the gradient of R with one matrix product per time step. Here
one product does it for all steps.
"""

from __future__ import annotations

import torch
from torch import Tensor

aten = torch.ops.aten


def _relu_slope(gradient: Tensor, state: Tensor) -> Tensor:
    return aten.threshold_backward.grad_input(gradient, state, 0, grad_input=gradient)


def _tanh_slope(gradient: Tensor, state: Tensor) -> Tensor:
    return aten.tanh_backward.grad_input(gradient, state, grad_input=gradient)


def _sigmoid_slope(gradient: Tensor, state: Tensor) -> Tensor:
    return aten.sigmoid_backward.grad_input(gradient, state, grad_input=gradient)


def _linear_slope(gradient: Tensor, state: Tensor) -> Tensor:
    return gradient


# Two functions for each activation, both in place: phi itself, and its backward step, which turns
# the gradient after phi into the gradient before it, given phi's value.
PHI = {
    "relu": (torch.relu_, _relu_slope),
    "tanh": (torch.tanh_, _tanh_slope),
    "sigmoid": (torch.sigmoid_, _sigmoid_slope),
    "linear": (lambda x: x, _linear_slope),
}


class SimpleRecurrence(torch.autograd.Function):
    """States (network, time, sample, unit) of cells without gates.

    Args:
        inputs: u, (network, time, sample, input).
        kernel: I, (network, input, unit).
        start: h_0, the state before the first step, (network, sample, unit).
        recurrent: R, (network, unit, unit).
        mask: m, the dropout factor on the state that R sees, (network, sample, unit), or None.
        activation: a key of `PHI`.
        ended: (network, time), True after a network's sequence, where its state is zero; or None.
    """

    @staticmethod
    def forward(ctx, inputs, kernel, start, recurrent, mask, activation, ended=None):
        phi, _ = PHI[activation]
        states = torch.bmm(inputs.flatten(1, 2), kernel).unflatten(1, inputs.shape[1:3])
        state = start
        for t, now in enumerate(states.unbind(1)):
            seen = state if mask is None else state * mask
            state = phi(now.baddbmm_(seen, recurrent))
            if ended is not None:
                state.masked_fill_(ended[:, t, None, None], 0.0)
        ctx.save_for_backward(inputs, kernel, states, start, recurrent, mask)
        ctx.activation = activation
        return states

    @staticmethod
    def backward(ctx, gradient):
        inputs, kernel, states, start, recurrent, mask = ctx.saved_tensors
        _, slope = PHI[ctx.activation]
        back = recurrent.mT
        before = gradient.clone()  # becomes the gradient before the activation, step by step
        of_start = torch.zeros_like(start)
        for t in range(states.shape[1] - 1, -1, -1):
            now, past = before[:, t], before[:, t - 1] if t else of_start
            slope(now, states[:, t])
            if mask is None:
                past.baddbmm_(now, back)
            else:
                past.add_(torch.bmm(now, back) * mask)
        seen, first = states[:, :-1], start
        if mask is not None:
            seen, first = seen * mask[:, None], start * mask
        of_recurrent = torch.bmm(first.mT, before[:, 0])
        if states.shape[1] > 1:
            of_recurrent.baddbmm_(seen.flatten(1, 2).mT, before[:, 1:].flatten(1, 2))
        before = before.flatten(1, 2)
        of_kernel = torch.bmm(inputs.flatten(1, 2).mT, before)
        of_inputs = None
        if ctx.needs_input_grad[0]:
            of_inputs = torch.bmm(before, kernel.mT).view_as(inputs)
        return of_inputs, of_kernel, of_start, of_recurrent, None, None, None
