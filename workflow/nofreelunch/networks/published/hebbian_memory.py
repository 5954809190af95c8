"""Hebbian memories of the Tolman-Eichenbaum Machine, and the attractor that retrieves from them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu, pad

KEPT = 0.8  # of the attractor's state in an iteration
FORGETTING, WRITING = 0.9999, 0.5  # lambda and eta of the memories, at the end of their ramps
LARGEST = 1.0  # size of a weight of a memory
LEAK = 0.01
TRUST = 200  # updates, over which the memory of symbols comes to be trained


class Strengths(NamedTuple):
    """What grows during training: of forgetting, of writing and of the latent losses.

    `symbol` weighs the loss of what symbols retrieve, and `sparseness` that of |p|.
    """

    keep: float
    write: float
    latent: float
    symbol: float
    sparseness: float


FULL = Strengths(FORGETTING, WRITING, 1.0, 1.0, 0.0)  # after training


def strengths_at(step: int, ramps: Mapping[str, int]) -> Strengths:
    """The strengths at an update; `ramps` are numbers of updates."""
    latent, forgetting, writing, sparse = (
        min(1.0, (step + 1) / ramps[key]) for key in ("latent", "forgetting", "writing", "sparse")
    )
    symbol = 1 / (1 + math.exp(-step / TRUST))
    return Strengths(FORGETTING * forgetting, WRITING * writing, latent, symbol, 1 - sparse)


def squash(z: Tensor) -> Tensor:
    """F(z): leaky rectification of z, which is cut to -1 and 1."""
    return leaky_relu(z.clamp(-1, 1), LEAK)


class Memory:
    """A Hebbian memory during a chunk of steps.

    Where it retrieved p' and was to retrieve p, it stores

        M <- lambda M + eta (p + p') (p - p')^T

    A row of M has the connections from one cell. No gradient flows through M at the chunk's start.

    Args:
        weights: M at the start, (network, row, from, to).
        blocks: slices of the cells; connections come from the own block and those after it.
        changing: how many blocks, the first ones, change in each iteration of the attractor.
        strengths: of the update.
    """

    def __init__(
        self,
        weights: Tensor,
        blocks: Sequence[slice],
        changing: Sequence[int],
        strengths: Strengths,
    ) -> None:
        self.shape, self.weights = weights.shape, weights.detach().flatten(0, 1)
        self.ends = [blocks[count - 1].stop for count in changing]
        self.blocks, self.strengths = blocks, strengths
        self.stored: list[tuple[Tensor, Tensor]] = []  # p + p' and p - p' of each step

    def write(self, place: Tensor, retrieved: Tensor) -> None:
        """Store p (network, row, cell) where it differs from what was retrieved."""
        before, after = (place + retrieved).flatten(0, 1), (place - retrieved).flatten(0, 1)
        self.stored.append((before, after))
        with torch.no_grad():
            keep, gain = self.strengths.keep, self.strengths.write
            pair = before.unsqueeze(2), after.unsqueeze(1)
            self.weights = torch.baddbmm(self.weights, *pair, beta=keep, alpha=gain)
            for block in self.blocks[1:]:
                self.weights[:, : block.start, block] = 0

    def retrieve(self, cues: Tensor) -> Tensor:
        """What cues (network, row, cue, cell) retrieve: h <- F(0.8 h + h M), again and again."""
        age = torch.arange(len(self.stored) - 1, -1, -1, device=cues.device, dtype=cues.dtype)
        shares = self.strengths.write * self.strengths.keep**age
        h = cues.flatten(0, 1)
        stored = [h.new_zeros(len(h), 0, h.shape[2])] * 2
        if self.stored:
            stored = [torch.stack(part, 1) for part in zip(*self.stored, strict=True)]
        fixed = self.weights, shares, self.blocks, self.ends
        return _Retrieval.apply(h, *stored, *fixed).view_as(cues)

    def at_end(self) -> Tensor:
        """M after the chunk, cut to -1 and 1."""
        return self.weights.clamp(-LARGEST, LARGEST).view(self.shape)


class _Retrieval(torch.autograd.Function):
    """What cues h (row, cue, cell) retrieve from M (row, from, to) of `Memory`.

    The gradient of M goes to what the chunk's steps have stored, `before` and `after`
    (row, step, cell), of which M has the outer products times `shares` (step,). It is never formed.
    """

    @staticmethod
    def forward(ctx, h, before, after, weights, shares, blocks, ends):
        states = [h]
        for end in ends:
            h = h.clone()
            drive = torch.baddbmm(h[..., :end], h, weights[..., :end], beta=KEPT)
            h[..., :end] = squash(drive)
            states.append(h)
        ctx.save_for_backward(before, after, weights, shares, *states)
        ctx.blocks, ctx.ends = blocks, ends
        return h

    @staticmethod
    def backward(ctx, gradient):
        before, after, weights, shares, *states = ctx.saved_tensors
        drives = []
        for end, h in zip(reversed(ctx.ends), reversed(states), strict=False):
            out = h[..., :end]
            slope = torch.where(out > 0, 1.0, LEAK) * ((out < 1) & (out > -LEAK))
            drive = gradient[..., :end] * slope
            gradient = torch.cat([KEPT * drive, gradient[..., end:]], -1)
            gradient = torch.baddbmm(gradient, drive, weights[..., :end].mT)
            drives.append(pad(drive, (0, h.shape[-1] - end)))
        if not len(shares):
            return gradient, None, None, None, None, None, None
        of_drive, h = torch.cat(drives, 1), torch.cat(states[-2::-1], 1)
        of_before, of_after = torch.zeros_like(before), torch.empty_like(after)
        for block in ctx.blocks:
            tail, own = slice(block.start, None), of_drive[..., block]
            match = torch.bmm(before[..., tail], h[..., tail].mT) * shares[:, None]
            of_after[..., block] = torch.bmm(match, own)
            match = torch.bmm(after[..., block], own.mT) * shares[:, None]
            of_before[..., tail] += torch.bmm(match, h[..., tail])
        return gradient, of_before, of_after, None, None, None, None
