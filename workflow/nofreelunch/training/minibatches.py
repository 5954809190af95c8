"""The random draws of a training step: minibatches of trajectories, loss steps, dropout masks.

Each draw depends only on a network's seed and the step. Training can thus go on from any step, and
the other networks of a stack make no difference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from nofreelunch.errors import refused
from nofreelunch.networks import loss_steps
from nofreelunch.seeds import DROPOUT, LOSS_STEPS, MINIBATCHES, generator
from nofreelunch.task.trajectories import apply_symmetry

BLOCK = 64  # steps whose minibatches are drawn at once
DROPPED = ("readout", "recurrent")


class Pool:
    """Training trajectories on a device, read once and shared by the networks of a job.

    The eight symmetries of the square multiply the pool, unless its attribute `symmetries` is 0.
    """

    def __init__(
        self, pool: xr.Dataset, specs: Sequence[Mapping[str, Any]], device: torch.device
    ) -> None:
        if "position" not in pool or "arena" not in pool.attrs:
            raise refused(
                "trajectories",
                "one of them missing",
                "a variable `position` and an attribute `arena` (m)",
            )
        length, steps = max(s["sequence_length"] for s in specs), pool.sizes["moment"] - 1
        if length > steps:
            raise refused(
                "sequence_length", length, f"at most {steps}, the steps of the trajectories"
            )
        count, batch = pool.sizes["trajectory"], max(s["batch_size"] for s in specs)
        if count < batch:
            raise refused(
                "batch_size",
                f"{batch}, but the pool has only {count} trajectories",
                "a smaller batch, or a larger trajectories.training.count",
            )
        position = pool["position"].values[:, : length + 1]
        self.position = torch.from_numpy(position).float().to(device)
        self.arena = float(pool.attrs["arena"])
        for arena in (spec["arena"] for spec in specs if "arena" in spec):
            if arena != self.arena:
                allowed = f"walks in one of {arena:g} m, as the networks have"
                raise refused("trajectories", f"an arena of {self.arena:g} m", allowed)
        self.periodic = bool(pool.attrs.get("periodic", 0))
        for joined in (bool(spec.get("periodic")) for spec in specs):
            if joined != self.periodic:
                words = {True: "a periodic arena", False: "an arena with walls"}
                raise refused("trajectories", words[self.periodic], f"walks in {words[joined]}")
        self.images = 8 if pool.attrs.get("symmetries", 1) else 1
        seed = pool.attrs.get("seed")
        content = hashlib.sha256(np.ascontiguousarray(position).data)
        self.provenance = {
            "arena": self.arena,
            "periodic": int(self.periodic),
            "pool_seed": "unknown" if seed is None else int(seed),
            "pool_trajectories": count,
            "pool_images": self.images,
            "pool_content": content.hexdigest()[:16],
        }


class Minibatches:
    """Minibatches of a stack; each network draws its own trajectories from the pool.

    Attributes:
        loss_steps: largest number of time steps at which the loss of a network is computed.
        every: whether these are all time steps, in each network of the stack.
        stands_for: number of time steps that each loss step stands for, (network, loss step); zero
            in padding, where a network has fewer loss steps than the stack.
        weights: share of each sample in its network's loss, (network, loss step, sample):
            `stands_for` / (batch size * sequence length), and zero in padding.
        ended: (network, time), True after a network's sequence; None if all are equally long.
    """

    def __init__(self, pool: Pool, specs: Sequence[Mapping[str, Any]]) -> None:
        self.pool, self.seeds = pool, [spec["seed"] for spec in specs]
        self.batches = [spec["batch_size"] for spec in specs]
        lengths = [spec["sequence_length"] for spec in specs]
        self.length, device = max(lengths), pool.position.device
        self.stretches = [
            loss_steps.stands_for(spec["sequence_length"], spec["loss_steps"]) for spec in specs
        ]
        self.loss_steps = max(map(len, self.stretches))
        self.every = all(map(loss_steps.sees_all, specs))
        stands, weights = np.zeros((len(specs), self.loss_steps)), []
        for k, (batch, length) in enumerate(zip(self.batches, lengths, strict=True)):
            stands[k, : len(self.stretches[k])] = self.stretches[k]
            weights.append(np.where(np.arange(max(self.batches)) < batch, 1 / (batch * length), 0))
        self.stands_for = torch.from_numpy(stands).float().to(device)
        self.weights = torch.from_numpy(np.array(weights)).float().to(device)[:, None]
        self.weights = self.stands_for[..., None] * self.weights
        over = np.arange(self.length) >= np.array(lengths)[:, None]
        self.ended = torch.from_numpy(over).to(device) if over.any() else None
        self.block: int | None = None

    def draw(self, step: int) -> tuple[Tensor, Tensor]:
        """The minibatches of `step`.

        Returns:
            Positions (network, time, sample, axis), m.
            Loss steps (network, loss step, sample): the time steps at which the loss is computed, 0
            for the first one after the start. They ascend.
        """
        block, row = divmod(step, BLOCK)
        if block != self.block:
            self.block, self.index = block, self._indices(block)
            self.starts = self._starts(block)
        index, pool = self.index[row], self.pool
        position = pool.position[index // pool.images, : self.length + 1]
        if pool.images > 1:
            position = apply_symmetry(position, (index % pool.images)[..., None])
        return position.transpose(1, 2).contiguous(), self._times(self.starts[row])

    def _indices(self, block: int) -> Tensor:
        """Drawn walks and symmetries as numbers (step, network, sample), for a block of steps."""
        choices = len(self.pool.position) * self.pool.images
        index = np.zeros((BLOCK, len(self.seeds), max(self.batches)), dtype=np.int64)
        for k, (seed, batch) in enumerate(zip(self.seeds, self.batches, strict=True)):
            random = generator(seed, MINIBATCHES, block)
            index[:, k, :batch] = random.integers(choices, size=(BLOCK, batch))
        return torch.from_numpy(index).to(self.pool.position.device)

    def _starts(self, block: int) -> Tensor:
        """Drawn places in stretches (step, network, loss step), for a block of steps."""
        starts = np.zeros((BLOCK, len(self.seeds), self.loss_steps), dtype=np.int64)
        for k, (seed, lengths) in enumerate(zip(self.seeds, self.stretches, strict=True)):
            random = generator(seed, LOSS_STEPS, block)
            starts[:, k, : len(lengths)] = random.integers(lengths, size=(BLOCK, len(lengths)))
        return torch.from_numpy(starts).to(self.pool.position.device)

    def _times(self, starts: Tensor) -> Tensor:
        """Loss steps (network, loss step, sample) from `starts` (network, loss step).

        The samples of a minibatch go round the time steps of a stretch, each one further than the
        sample before it. A minibatch thus sees every time step, and each about equally often.
        """
        first = self.stands_for.cumsum(1).sub(self.stands_for)[..., None].long()
        length = self.stands_for.clamp_min(1)[..., None].long()
        samples = torch.arange(max(self.batches), device=starts.device)
        times = first + (starts[..., None] + samples) % length
        return times * (self.stands_for[..., None] > 0)


class Dropout:
    """Inverted dropout with a rate for each network, drawn from the network's own seed.

    `recurrent` drops units of the state that the recurrent kernel sees, with one mask per
    trajectory. `readout` drops units of g that the decoder sees, with a new mask per time step.

    A hash of seed, step, time, sample and unit decides whether a unit is dropped. It is the same on
    every device, and in a stack of any size.
    """

    def __init__(self, specs: Sequence[Mapping[str, Any]], device: torch.device) -> None:
        rates = {kind: [float(spec["dropout"][kind]) for spec in specs] for kind in DROPPED}
        self.drops = {kind: any(of_networks) for kind, of_networks in rates.items()}
        self.rates = {kind: torch.tensor(rates[kind], device=device) for kind in DROPPED}
        words = [
            np.random.SeedSequence([s["seed"], DROPOUT]).generate_state(len(DROPPED)) for s in specs
        ]
        self.seeds = torch.from_numpy(np.array(words).astype(np.int32)).to(device)
        self.step = torch.zeros((), dtype=torch.int32, device=device)

    def factors(
        self, kind: str, shape: tuple[int, ...], times: Tensor | None = None
    ) -> Tensor | None:
        """Factors (network, ..., sample, unit) of the current step; None if nothing is dropped.

        `times` (network, loss step, sample) are the time steps of a second axis without all.
        """
        if not self.drops[kind]:
            return None
        key = _mix(self.seeds[:, DROPPED.index(kind)] ^ _mix(self.step))
        for axis, size in enumerate(shape[1:], 1):
            places = torch.arange(1, size + 1, dtype=torch.int32, device=key.device)
            if times is not None and axis == 1:
                places = (times + 1).int()
                key = key[:, None]
            if times is None or axis != 2:
                key = key[..., None]
            key = _mix(key ^ _mix(places + 7919 * axis))
        rates = self.rates[kind].reshape(-1, *[1] * (len(shape) - 1))
        kept = (key & 0x7FFFFFFF) >= (rates.double() * 2**31).to(torch.int32)
        return kept / (1 - rates)


def _mix(x: Tensor) -> Tensor:
    """Hash of 32-bit integers: every bit of it depends on all bits of x (Wellons' lowbias32)."""
    x = (x ^ ((x >> 16) & 0xFFFF)) * 0x7FEB352D
    x = (x ^ ((x >> 15) & 0x1FFFF)) * (0x846CA68B - 2**32)
    return x ^ ((x >> 16) & 0xFFFF)
