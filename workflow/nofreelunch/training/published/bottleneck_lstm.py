"""Training of the networks of Banino et al., with dropout, clipped gradients and RMSprop."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import xarray as xr
from torch import Tensor

from nofreelunch.errors import refused
from nofreelunch.networks.published import banino
from nofreelunch.task import targets
from nofreelunch.task.cross_entropy import SoftmaxCrossEntropy
from nofreelunch.task.head_directions import HeadDirections
from nofreelunch.training.headed_walks import HeadedWalks
from nofreelunch.training.optimizers import Optimizer
from nofreelunch.training.stack import Stack

MOMENTUM = 0.9
EPSILON = 1e-10  # added to the mean square of a gradient, as in TensorFlow 1
DECAYED = ("place", "direction")  # the weights of the heads, without their biases


class ForagingWalks(HeadedWalks):
    """Walks of a foraging animal, whose moments are `time_step` seconds apart."""

    def __init__(
        self, walks: xr.Dataset, specs: Sequence[Mapping[str, Any]], device: torch.device
    ) -> None:
        super().__init__(walks, specs, device)
        every, length = specs[0]["loss_every"], specs[0]["sequence_length"]
        if every > length:
            raise refused("loss_every", f"{every}", f"at most {length}, the sequence_length")
        self.time_step = float(walks.attrs["time_step"])


class MomentumRMSprop(Optimizer):
    """RMSprop with momentum: with gradient g and rate r,

    square = 0.9 square + 0.1 g^2
    mean = 0.9 mean + r g / sqrt(square + 1e-10),  weight -= mean

    Gradients may be as small as the paper clips them, 1e-5. There the small constant halves g^2 /
    (square + 1e-10).
    """

    @torch.no_grad()
    def update(
        self,
        weights: Mapping[str, Tensor],
        gradients: Sequence[Tensor],
        rates: Tensor,
        alive: Tensor,
    ) -> None:
        """As in `Optimizer`."""
        keep = self.rules[0].keep_square
        for (name, weight), gradient in zip(weights.items(), gradients, strict=True):
            square, mean = self.square[name], self.mean[name]
            square.mul_(keep).addcmul_(gradient, gradient, value=1 - keep)
            steps = rates[:, None, None] * gradient
            mean.mul_(MOMENTUM).addcmul_(steps, (square + EPSILON).rsqrt_())
            weight.sub_(torch.where(alive, mean, 0.0))


class BottleneckStack(Stack):
    """The networks of Banino et al. while they train. Each draws its own walks and dropout."""

    pool: ForagingWalks

    def __init__(
        self, members: Sequence[int], specs: Sequence[Mapping[str, Any]], pool: Any, precision: str
    ) -> None:
        super().__init__(members, specs, pool, precision)
        self.optimizer = MomentumRMSprop(self.specs, self.weights)

    def advance(self, step: int) -> None:
        """Draw walks and dropout, compute the loss, and update with clipped gradients.

        The loss is computed at every `loss_every`-th time step, each update at other ones.
        """
        position, heading = self.pool.minibatch(self.specs, step)
        inputs = banino.inputs_of(position, heading, self.pool.time_step)
        places = self.target.encode(position[:, 0])
        start = torch.cat([places, self.directions.encode(heading[:, 0])], -1)
        every = self.specs[0]["loss_every"]
        times = slice(step % every, None, every)
        self.position, heading = position[:, 1:][:, times], heading[:, 1:][:, times]
        _, activity = self.networks.run(start, inputs, times)
        factors = banino.dropout_factors(self.specs, step, tuple(activity.shape[1:]))
        if factors is not None:
            activity = activity * factors.to(activity.device)
        self.output, turned = self.networks.read_out(activity)
        loss = self._loss(self.output, turned, self.directions.encode(heading))
        gradients = torch.autograd.grad(loss.sum(), list(self.weights.values()))
        self.loss, self.output = loss.detach(), self.output[:, :, :1].detach()
        self.alive &= self.loss.isfinite()[:, None, None]
        rates = self.optimizer.rates(step).to(self.alive.device)
        self.optimizer.update(self.weights, self._limited(gradients), rates, self.alive)

    def position_error(self) -> Tensor:
        """Mean distance (network,), m, between true and decoded positions of one walk each.

        By the outputs of training, with dropout.
        """
        apart = self.target.decode(self.output) - self.position[:, :, :1]
        return torch.linalg.vector_norm(apart, dim=-1).mean((1, 2))

    def _draw(self, device: torch.device) -> dict[str, Tensor]:
        first = self.specs[0]
        drawn = [spec["seed"] for spec in self.specs]
        target = targets.build_targets(self.specs, drawn, self.pool.arena)
        self.target = target.to(device, torch.float32)
        self.directions = HeadDirections(
            drawn, first["direction_cells"], first["concentration"], device
        )
        weights = {k: w.to(device) for k, w in banino.initialize(self.specs).items()}
        weights = {k: w.requires_grad_() for k, w in weights.items()}
        self.networks = banino.BottleneckNetworks(weights)
        self.limits, self.decays = (
            {
                name: torch.tensor([of(spec, name) for spec in self.specs])[:, None, None].to(
                    device
                )
                for name in weights
            }
            for of in (_limit, _decay)
        )
        return weights

    def _shapes(self, place: int) -> Mapping[str, tuple[int, int]]:
        return banino.weight_shapes(self.specs[place])

    def _loss(self, place: Tensor, direction: Tensor, directions: Tensor) -> Tensor:
        """Sum (network,) of both heads' cross-entropies: outputs, and code of the directions."""
        shares = torch.full_like(place[..., 0], 1 / place[0, ..., 0].numel())
        cells = [direction.shape[-1]] * len(direction)
        flat = direction.flatten(1, 2), directions.flatten(1, 2), shares.flatten(1)
        of_places = self.target.loss_at(place, self.position, shares)
        return of_places + SoftmaxCrossEntropy.apply(*flat, cells, None)

    def _limited(self, gradients: Sequence[Tensor]) -> list[Tensor]:
        """Gradients with the weight decay, each element clipped."""
        found = []
        for (name, weight), gradient in zip(self.weights.items(), gradients, strict=True):
            if name in DECAYED:
                gradient = gradient + self.decays[name] * weight.detach()
            limit = self.limits[name]
            found.append(gradient.clamp(-limit, limit))
        return found


def _limit(spec: Mapping[str, Any], name: str) -> float:
    """Size to which elements of a weight's gradient are clipped."""
    return spec["clip"] if spec["clip_scope"] == "all" or name in banino.HEADS else math.inf


def _decay(spec: Mapping[str, Any], name: str) -> float:
    """Factor on half the sum of a weight's squares in the loss."""
    return spec["weight_decay"] if spec["decay_scope"] == "heads" and name in DECAYED else 0.0


STACK, POOL = BottleneckStack, ForagingWalks
