"""The random draws of a training step: minibatches of trajectories, and dropout masks.

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
from nofreelunch.seeds import DROPOUT, MINIBATCHES, generator
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
        length, steps = max(s["sequence_length"] for s in specs), pool.sizes["time"] - 1
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
        self.symmetries = 8 if pool.attrs.get("symmetries", 1) else 1
        seed = pool.attrs.get("seed")
        content = hashlib.sha256(np.ascontiguousarray(position).data)
        self.provenance = {
            "arena": self.arena,
            "pool_seed": "unknown" if seed is None else int(seed),
            "pool_trajectories": count,
            "pool_symmetries": self.symmetries,
            "pool_content": content.hexdigest()[:16],
        }


class Minibatches:
    """Minibatches of a stack; each network draws its own trajectories from the pool.

    Attributes:
        weights: share of each sample in its network's loss, (network, time, sample): 1 / (batch
            size * sequence length), and zero in padding, where a network has fewer samples or time
            steps than the stack.
        ended: (network, time), True after a network's sequence; None if all are equally long.
    """

    def __init__(self, pool: Pool, specs: Sequence[Mapping[str, Any]]) -> None:
        self.pool, self.seeds = pool, [spec["seed"] for spec in specs]
        self.batches = [spec["batch_size"] for spec in specs]
        lengths = [spec["sequence_length"] for spec in specs]
        self.length = max(lengths)
        weights = torch.zeros(len(specs), self.length, max(self.batches))
        for k, (batch, length) in enumerate(zip(self.batches, lengths, strict=True)):
            weights[k, :length, :batch] = 1 / (batch * length)
        self.weights = weights.to(pool.position.device)
        self.ended = None if len(set(lengths)) == 1 else (self.weights == 0).all(2)
        self.block: int | None = None

    def draw(self, step: int) -> Tensor:
        """Positions (network, time, sample, axis) in m of the minibatches of `step`."""
        block, row = divmod(step, BLOCK)
        if block != self.block:
            self.block, self.index = block, self._indices(block)
        index, pool = self.index[row], self.pool
        position = pool.position[index // pool.symmetries, : self.length + 1]
        if pool.symmetries > 1:
            position = apply_symmetry(position, (index % pool.symmetries)[..., None])
        return position.transpose(1, 2).contiguous()

    def _indices(self, block: int) -> Tensor:
        """Drawn walks and symmetries as numbers (step, network, sample), for a block of steps."""
        choices = len(self.pool.position) * self.pool.symmetries
        index = np.zeros((BLOCK, len(self.seeds), max(self.batches)), dtype=np.int64)
        for k, (seed, batch) in enumerate(zip(self.seeds, self.batches, strict=True)):
            random = generator(seed, MINIBATCHES, block)
            index[:, k, :batch] = random.integers(choices, size=(BLOCK, batch))
        return torch.from_numpy(index).to(self.pool.position.device)


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

    def factors(self, kind: str, shape: tuple[int, ...]) -> Tensor | None:
        """Factors (network, ..., sample, unit) of the current step; None if nothing is dropped."""
        if not self.drops[kind]:
            return None
        key = _mix(self.seeds[:, DROPPED.index(kind)] ^ _mix(self.step))
        for size in shape[1:]:
            places = torch.arange(1, size + 1, dtype=torch.int32, device=key.device)
            key = _mix(key[..., None] ^ _mix(places + 7919 * key.dim()))
        rates = self.rates[kind].reshape(-1, *[1] * (len(shape) - 1))
        kept = (key & 0x7FFFFFFF) >= (rates.double() * 2**31).to(torch.int32)
        return kept / (1 - rates)


def _mix(x: Tensor) -> Tensor:
    """Hash of 32-bit integers: every bit of it depends on all bits of x (Wellons' lowbias32)."""
    x = (x ^ ((x >> 16) & 0xFFFF)) * 0x7FEB352D
    x = (x ^ ((x >> 15) & 0x1FFFF)) * (0x846CA68B - 2**32)
    return x ^ ((x >> 16) & 0xFFFF)
