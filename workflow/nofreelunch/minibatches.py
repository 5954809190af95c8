"""What a training step draws: minibatches of trajectories and dropout masks.

Every draw is a function of a network's seed and the step alone. It does not depend on the networks
beside it, nor on the steps before it, so that training can go on from any step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from nofreelunch.trajectories import apply_symmetry

MINIBATCH_STREAM, DROPOUT_STREAM = 2, 3
BLOCK = 64  # steps whose minibatch indices are drawn at a time
DROPPED = ("readout", "recurrent")


class Pool:
    """Training trajectories on a device: read once, shared by the networks of a job.

    The square's eight symmetries multiply the pool, where its attribute `symmetries` says so.
    """

    def __init__(
        self, pool: xr.Dataset, specs: Sequence[Mapping[str, Any]], device: torch.device
    ) -> None:
        if "position" not in pool or "arena" not in pool.attrs:
            raise ValueError(
                "trajectories: need a variable `position` and an attribute `arena` (m)"
            )
        length, steps = max(s["sequence_length"] for s in specs), pool.sizes["time"] - 1
        if length > steps:
            raise ValueError(
                f"sequence_length: found {length}, but the trajectories have {steps} steps"
            )
        count, batch = pool.sizes["trajectory"], max(s["batch_size"] for s in specs)
        if count < batch:
            raise ValueError(
                f"batch_size: found {batch}, but the pool has only {count} trajectories; allowed: "
                "a smaller batch, or a larger trajectories.training.count"
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
    """Minibatches of a stack; each network has its own order of the pool.

    Attributes:
        weights: (network, time, sample), each sample's share of its network's loss: one over batch
            size times sequence length, and zero where a network has fewer samples or time steps
            than the stack.
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
        # Steps after a network's sequence has ended (network, time); None where all are as long.
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
        """Walks and their symmetries (step, network, sample) of a block of steps."""
        choices = len(self.pool.position) * self.pool.symmetries
        index = np.zeros((BLOCK, len(self.seeds), max(self.batches)), dtype=np.int64)
        for k, (seed, batch) in enumerate(zip(self.seeds, self.batches, strict=True)):
            random = np.random.default_rng([seed, MINIBATCH_STREAM, block])
            index[:, k, :batch] = random.integers(choices, size=(BLOCK, batch))
        return torch.from_numpy(index).to(self.pool.position.device)


class Dropout:
    """Inverted dropout with rates per network, drawn from each network's own seed.

    `recurrent` drops units of the state as the recurrence sees it, one mask per trajectory;
    `readout` drops units of g as the decoder sees it, anew at every time step.

    Whether a unit is dropped is a hash of seed, step, time, sample and unit: the same on every
    device, and however large the stack is that the network is part of.
    """

    def __init__(self, specs: Sequence[Mapping[str, Any]], device: torch.device) -> None:
        rates = {kind: [float(spec["dropout"][kind]) for spec in specs] for kind in DROPPED}
        self.drops = {kind: any(of_networks) for kind, of_networks in rates.items()}
        self.rates = {kind: torch.tensor(rates[kind], device=device) for kind in DROPPED}
        words = [
            np.random.SeedSequence([s["seed"], DROPOUT_STREAM]).generate_state(len(DROPPED))
            for s in specs
        ]
        self.seeds = torch.from_numpy(np.array(words).astype(np.int32)).to(device)
        self.step = torch.zeros((), dtype=torch.int32, device=device)

    def factors(self, kind: str, shape: tuple[int, ...]) -> Tensor | None:
        """Factors (network, ..., sample, unit) of the current step; None where no network drops."""
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
    """A hash of 32-bit integers in which every bit depends on all (Wellons' lowbias32)."""
    x = (x ^ ((x >> 16) & 0xFFFF)) * 0x7FEB352D
    x = (x ^ ((x >> 15) & 0x1FFFF)) * (0x846CA68B - 2**32)
    return x ^ ((x >> 16) & 0xFFFF)
