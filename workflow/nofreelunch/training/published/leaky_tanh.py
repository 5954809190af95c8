"""Training of the networks of Cueva & Wei, on walks with still periods, with noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import xarray as xr
from torch import Tensor

from nofreelunch.networks.published import cueva_wei
from nofreelunch.training.headed_walks import HeadedWalks
from nofreelunch.training.stack import Stack

LARGEST_GRADIENT = 1.0  # norm over all weights of a network, to which gradients are clipped


class StillWalks(HeadedWalks):
    """Walks with still periods, whose steps have a mean length of `mean_step` m."""

    def __init__(
        self, walks: xr.Dataset, specs: Sequence[Mapping[str, Any]], device: torch.device
    ) -> None:
        super().__init__(walks, specs, device)
        self.mean_step = float(walks.attrs["mean_step"])
        self.provenance |= {
            "shape": walks.attrs["shape"],
            "stillness": float(walks.attrs["stillness"]),
        }


class LeakyStack(Stack):
    """The networks of Cueva & Wei while they train. Each draws its own walks and its own noise."""

    pool: StillWalks

    def advance(self, step: int) -> None:
        """Draw walks and noise, compute the loss, and update the weights with clipped gradients."""
        self.position, heading = self.pool.minibatch(self.specs, step)
        velocity = self.position[:, 1:] - self.position[:, :-1]
        angle = self.specs[0]["angle"]
        inputs = cueva_wei.inputs_of(velocity, heading, self.pool.mean_step, angle)
        activity = self.networks.run(inputs, cueva_wei.noise_of(self.specs, step, inputs))
        answers = self.position[:, 1:] / cueva_wei.OUTPUT_UNIT
        loss, self.loss = cueva_wei.penalised_error(self.networks, activity, answers, *self.costs)
        gradients = torch.autograd.grad(loss.sum(), list(self.weights.values()))
        self.loss = self.loss.detach()
        self.found = self.networks.read_out(activity[:, :, :1].detach()).detach()
        squares = torch.stack([g.square().sum((1, 2)) for g in gradients]).sum(0)
        factor = (LARGEST_GRADIENT / squares.sqrt()).clamp_max(1.0)[:, None, None]
        self.alive &= loss.detach().isfinite()[:, None, None]
        rates = self.optimizer.rates(step).to(self.alive.device)
        clipped = [factor * gradient for gradient in gradients]
        self.optimizer.update(self.weights, clipped, rates, self.alive)

    def position_error(self) -> Tensor:
        """Mean distance (network,), m, between true and read-out positions of one walk each."""
        apart = self.found * cueva_wei.OUTPUT_UNIT - self.position[:, 1:, :1]
        return torch.linalg.vector_norm(apart, dim=-1).mean((1, 2))

    def _draw(self, device: torch.device) -> dict[str, Tensor]:
        weights = cueva_wei.initialize(self.specs)
        weights = {k: w.to(device).requires_grad_() for k, w in weights.items()}
        noise = torch.tensor([float(spec["noise"]) for spec in self.specs], device=device)
        self.networks = cueva_wei.LeakyNetworks(weights, noise[:, None, None])
        self.costs = [
            torch.tensor([float(spec[key]) for spec in self.specs], device=device)
            for key in ("metabolic_cost", "weight_cost")
        ]
        return weights

    def _shapes(self, place: int) -> Mapping[str, tuple[int, int]]:
        return cueva_wei.weight_shapes(self.specs[place]["units"], self.specs[place]["angle"])


STACK, POOL = LeakyStack, StillWalks
