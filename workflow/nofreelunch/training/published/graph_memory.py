"""Training of Tolman-Eichenbaum Machines on walks through one environment after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from nofreelunch import seeds
from nofreelunch.networks.published import whittington
from nofreelunch.networks.published.hebbian_memory import strengths_at
from nofreelunch.networks.published.whittington import Machines, State
from nofreelunch.networks.published.whittington_sizes import Sizes, initialize, weight_shapes
from nofreelunch.task.graph_walks import Environment, environment
from nofreelunch.training.stack import Stack


class GraphWalks:
    """Where networks train that draw their own environments: a device, and no walks of a file."""

    def __init__(
        self, walks: None, specs: Sequence[Mapping[str, Any]], device: torch.device
    ) -> None:
        self.position = torch.empty(0, device=device)
        self.provenance = {"graph": specs[0]["graph"]}


class Chunk(NamedTuple):
    """A chunk of steps of all rows: `fresh` (row,) where an environment begins; others (row, time).

    `action` led to a step, `symbol` is at its node, and `visited` says whether that node was
    visited before in the environment.
    """

    fresh: np.ndarray
    action: np.ndarray
    symbol: np.ndarray
    visited: np.ndarray


class Environments:
    """The environments of a network's rows, one after another, all from the network's own seed.

    An environment lasts `stays` chunks, a uniform random number. A chunk depends on its number
    alone, so that training goes on from any update.
    """

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self.spec = spec
        least, most = spec["stays"]["least"], spec["stays"]["most"]
        random = seeds.generator(spec["seed"], seeds.STAYS)
        lengths = random.integers(least, most + 1, (spec["batch_size"], spec["steps"] // least + 1))
        self.ends = lengths.cumsum(1)
        self.current: dict[int, tuple[int, Environment]] = {}

    def chunk(self, step: int) -> Chunk:
        """The chunk of an update, from 0 on."""
        rows = [self._row(row, step) for row in range(len(self.ends))]
        return Chunk(*(np.stack(parts) for parts in zip(*rows, strict=True)))

    def _row(self, row: int, step: int) -> tuple[bool, np.ndarray, np.ndarray, np.ndarray]:
        number = int(np.searchsorted(self.ends[row], step, side="right"))
        first = int(self.ends[row, number - 1]) if number else 0
        if self.current.get(row, (-1,))[0] != number:
            self.current[row] = number, self._draw(row, number, int(self.ends[row, number]) - first)
        _, symbol, walk = self.current[row][1]
        length = self.spec["sequence_length"]
        steps = slice((step - first) * length, (step - first + 1) * length)
        node = walk.node[steps]
        return step == first, walk.action[steps], symbol[node], walk.visited()[steps]

    def _draw(self, row: int, number: int, chunks: int) -> Environment:
        spec = self.spec
        random = seeds.generator(spec["seed"], seeds.GRAPHS, row, number)
        sides = range(spec["sides"]["least"], spec["sides"]["most"] + 1)
        steps = chunks * spec["sequence_length"]
        return environment(spec["graph"], sides, spec["symbols"], steps, random)


class MemoryStack(Stack):
    """Tolman-Eichenbaum Machines while they train, with the state that they carry on.

    Attributes:
        state: what each row carries from one chunk to the next; no gradient flows through it.
    """

    state: State

    def advance(self, step: int) -> None:
        """Run a chunk of steps, and update the weights by the losses at visited nodes."""
        device = self.alive.device
        chunks = [environments.chunk(step) for environments in self.environments]
        fresh, action, symbol, visited = (
            torch.from_numpy(np.stack(part)).to(device) for part in zip(*chunks, strict=True)
        )
        strengths = strengths_at(step, self.specs[0]["ramps"])
        state = self.machines.enter(self.state, fresh)
        found, state = self.machines.run(state, action, symbol, strengths)
        losses = whittington.losses(self.machines, found, symbol, strengths)
        counted = visited.mT / visited.sum((1, 2)).clamp_min(1)[:, None, None]
        total, self.loss = (
            (part * counted).sum((1, 2)) for part in (losses.total, losses.predicted)
        )
        gradients = torch.autograd.grad(total.sum(), list(self.weights.values()))
        self.loss, self.state = self.loss.detach(), state.detached()
        self.alive &= total.detach().isfinite()[:, None, None]
        rates = self.optimizer.rates(step).to(device)
        self.optimizer.update(self.weights, gradients, rates, self.alive)

    def position_error(self) -> Tensor:
        """NaN (network,): these networks predict symbols, and are not asked for a position."""
        return torch.full_like(self.loss, torch.nan)

    def _draw(self, device: torch.device) -> dict[str, Tensor]:
        self.environments = [Environments(spec) for spec in self.specs]
        weights = initialize(self.specs)
        weights = {k: w.to(device).requires_grad_() for k, w in weights.items()}
        self.machines = Machines(Sizes.of(self.specs[0]), weights)
        self.state = self.machines.empty(self.specs[0]["batch_size"]).detached()
        return weights

    def _shapes(self, place: int) -> Mapping[str, tuple[int, int]]:
        return weight_shapes(Sizes.of(self.specs[place]))

    def _names(self) -> list[str]:
        return [*super()._names(), *(f"carried_{name}" for name in State._fields)]

    def _state(self) -> list[Tensor]:
        return [*super()._state(), *self.state]


STACK, POOL = MemoryStack, GraphWalks
