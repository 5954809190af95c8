"""Cross-entropy of a network's outputs with the activity of place cells, and its gradient."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nofreelunch.compute import kernels
from nofreelunch.compute.fused import fused


class SoftmaxCrossEntropy(torch.autograd.Function):
    """Cross-entropy (network,) of logits with target activity, both (network, sample, cell).

    Samples are summed with `weights` (network, sample). Target activity sums to one over the cells.
    Network k has the first `cells_of[k]` cells; `real` (network, 1, cell) marks them, or is None
    where every network has all cells.

    The forward pass also computes the gradient, softmax(logits) - code. This takes fewer passes
    over the logits than log-softmax, product and sum one after another.
    """

    @staticmethod
    def forward(ctx, logits, code, weights, cells_of, real):
        logits, code, weights = logits.contiguous(), code.contiguous(), weights.contiguous()
        if kernels.usable(logits, code, weights):
            slope = torch.empty_like(logits)
            pointers = (
                [tensor[k].data_ptr() for k in range(len(logits))]
                for tensor in (logits, code, weights, slope)
            )
            shape = logits.shape[1:]
            losses = [
                kernels.library().cross_entropy(shape[0], cells, shape[1], *of_network)
                for cells, *of_network in zip(cells_of, *pointers, strict=True)
            ]
            ctx.save_for_backward(slope)
            return logits.new_tensor(losses)
        loss, slope = loss_and_slope(logits, code, weights, real)
        ctx.save_for_backward(slope)
        return loss

    @staticmethod
    def backward(ctx, gradient):
        (slope,) = ctx.saved_tensors
        if gradient.device.type == "cpu" and bool((gradient == 1).all()):
            return slope, None, None, None, None  # saves a pass over memory
        return slope * gradient[:, None, None], None, None, None, None


class CompiledCrossEntropy(torch.autograd.Function):
    """`SoftmaxCrossEntropy` of logits by a function that is compiled: it gives loss and gradient.

    `others` are the function's arguments after the logits.
    """

    @staticmethod
    def forward(ctx, logits, loss_of, others):
        loss, slope = fused(loss_of, logits, *others, large=logits)
        ctx.save_for_backward(slope)
        return loss

    @staticmethod
    def backward(ctx, gradient):
        (slope,) = ctx.saved_tensors
        return slope * gradient[:, None, None], None, None


def loss_and_slope(
    logits: Tensor, code: Tensor, weights: Tensor, real: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Loss (network,) and its gradient by the logits, as in `SoftmaxCrossEntropy`."""
    logits = logits.masked_fill((weights == 0)[..., None], 0.0)
    if real is not None:
        logits = logits.masked_fill(~real, -math.inf)
    top = logits.amax(-1, keepdim=True)
    slope = exp_bounded(logits - top)
    if real is not None:
        slope *= real
        logits = logits.masked_fill(~real, 0.0)
    total = slope.sum(-1, keepdim=True)
    losses = (top + total.log())[..., 0] - torch.linalg.vecdot(code, logits)
    loss = (losses.masked_fill(weights == 0, 0.0) * weights).sum(1)
    return loss, slope.div_(total).sub_(code).mul_(weights[..., None])


def exp_bounded(x: Tensor) -> Tensor:
    """exp in place, at least exp(-80), because denormal float32 numbers are slow."""
    return x.clamp_min_(-80.0).exp_()
