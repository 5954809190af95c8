"""Training of the networks of Cueva & Wei, on walks with still periods, with noise."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from nofreelunch import seeds
from nofreelunch.errors import refused
from nofreelunch.networks.published import cueva_wei
from nofreelunch.training.stack import Stack

LARGEST_GRADIENT = 1.0  # norm over all weights of a network, to which gradients are clipped


class StillWalks:
    """Walks with still periods on a device, which leaky networks are trained on."""

    def __init__(
        self, walks: xr.Dataset, specs: Sequence[Mapping[str, Any]], device: torch.device
    ) -> None:
        steps, length = walks.sizes["step"], max(spec["sequence_length"] for spec in specs)
        if length > steps:
            raise refused("sequence_length", f"{length}", f"at most {steps}, as walked")
        self.arena, self.mean_step = float(walks.attrs["arena"]), float(walks.attrs["mean_step"])
        self.position = torch.from_numpy(walks["position"].values[:, : length + 1]).to(device)
        self.heading = torch.from_numpy(walks["heading"].values[:, :length]).to(device)
        content = hashlib.sha256(np.ascontiguousarray(walks["position"].values).data)
        self.provenance = {
            "arena": self.arena,
            "shape": walks.attrs["shape"],
            "stillness": float(walks.attrs["stillness"]),
            "pool_seed": int(walks.attrs["seed"]),
            "pool_trajectories": walks.sizes["trajectory"],
            "pool_content": content.hexdigest()[:16],
        }


class LeakyStack(Stack):
    """The networks of Cueva & Wei while they train. Each draws its own walks and its own noise."""

    pool: StillWalks

    def advance(self, step: int) -> None:
        """Draw walks and noise, compute the loss, and update the weights with clipped gradients."""
        self.position, inputs = self._minibatch(step)
        activity = self.networks.run(inputs, cueva_wei.noise_of(self.specs, step, inputs))
        answers = 2 / self.pool.arena * self.position[:, 1:]
        loss, self.loss = cueva_wei.penalised_error(self.networks, activity, answers, *self.costs)
        gradients = torch.autograd.grad(loss.sum(), list(self.weights.values()))
        self.loss = self.loss.detach()
        self.activity = activity[:, :, :1].detach()
        squares = torch.stack([g.square().sum((1, 2)) for g in gradients]).sum(0)
        factor = (LARGEST_GRADIENT / squares.sqrt()).clamp_max(1.0)[:, None, None]
        self.alive &= loss.detach().isfinite()[:, None, None]
        rates = self.optimizer.rates(step).to(self.alive.device)
        clipped = [factor * gradient for gradient in gradients]
        self.optimizer.update(self.weights, clipped, rates, self.alive)

    def position_error(self) -> Tensor:
        """Mean distance (network,), m, between true and read-out positions of one walk each."""
        found = self.networks.read_out(self.activity) * self.pool.arena / 2
        apart = found - self.position[:, 1:, :1]
        return torch.linalg.vector_norm(apart, dim=-1).mean((1, 2)).detach()

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

    def _minibatch(self, step: int) -> tuple[Tensor, Tensor]:
        """Positions (network, time + 1, sample, axis), m, and inputs of the walks of a step."""
        pool, batch = self.pool, self.specs[0]["batch_size"]
        drawn = [
            seeds.generator(spec["seed"], seeds.MINIBATCHES, step).integers(
                len(pool.position), size=batch
            )
            for spec in self.specs
        ]
        index = torch.from_numpy(np.stack(drawn)).to(pool.position.device)
        position = pool.position[index].transpose(1, 2)
        heading = pool.heading[index].transpose(1, 2)
        velocity = position[:, 1:] - position[:, :-1]
        angle = self.specs[0]["angle"]
        return position, cueva_wei.inputs_of(velocity, heading, pool.mean_step, angle)


STACK, POOL = LeakyStack, StillWalks
