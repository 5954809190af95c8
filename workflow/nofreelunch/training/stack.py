"""Networks that train side by side, of any kind: saving, restoring and finishing them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from nofreelunch.training.curves import Curves
from nofreelunch.training.optimizers import Optimizer
from nofreelunch.training.trained import Trained


class Stack(ABC):
    """The networks of a cohort that are still training.

    Each kind of networks is a subclass with four methods: `_draw` makes the weights, `_shapes` says
    how large they are without padding, `advance` takes a training step, and `position_error`
    decodes the latest minibatch.

    Attributes:
        members: place of each network of the stack in the cohort.
        all: specs of all networks of the cohort.
        specs: specs of the networks of the stack.
        pool: what the networks are trained on; its `position` is on the device of training.
        weights: by name, (network, inputs, outputs); biases are (network, 1, outputs).
        loss: (network,) of the latest minibatch.
        alive: (network, 1, 1), False from the step on at which a network's loss was not finite.
    """

    loss: Tensor

    def __init__(
        self, members: Sequence[int], specs: Sequence[Mapping[str, Any]], pool: Any, precision: str
    ) -> None:
        self.members, self.all, self.pool = list(members), specs, pool
        self.specs, self.precision = [specs[k] for k in members], precision
        device = pool.position.device
        self.weights = self._draw(device)
        self.optimizer = Optimizer(self.specs, self.weights)
        self.alive = torch.ones(len(self.specs), 1, 1, dtype=torch.bool, device=device)
        self.replay: Callable[[], None] | None = None

    @abstractmethod
    def advance(self, step: int) -> None:
        """Draw a minibatch, compute the loss and update the weights."""

    @abstractmethod
    def position_error(self) -> Tensor:
        """Mean distance (network,), m, between true and decoded positions of the minibatch."""

    @abstractmethod
    def _draw(self, device: torch.device) -> dict[str, Tensor]:
        """Initial weights on the device, each network's drawn from its own seed."""

    @abstractmethod
    def _shapes(self, place: int) -> Mapping[str, tuple[int, int]]:
        """Shape (inputs, outputs) of each weight of the network at `place` in the stack."""

    def without_finished(self, done: int, finished: dict[int, Trained]) -> Self | None:
        """The stack of networks with more than `done` steps; None if there are none.

        The results of the other networks go to `finished`, by their place in the cohort.
        """
        for place, (k, spec) in enumerate(zip(self.members, self.specs, strict=True)):
            if spec["steps"] <= done:
                finished[k] = self._trained(place)
        self.replay = None  # frees the memory of its graph
        stay = [i for i, spec in enumerate(self.specs) if spec["steps"] > done]
        if not stay:
            return None
        smaller = type(self)([self.members[i] for i in stay], self.all, self.pool, self.precision)
        index = torch.tensor(stay, device=self.alive.device)
        smaller._load([tensor[index] for tensor in self._state()])
        return smaller

    @classmethod
    def restored(cls, specs, pool: Any, precision: str, saved, finished) -> Self:
        """The stack in a checkpoint; results of networks that had finished go to `finished`."""
        stack = cls(saved["members"].tolist(), specs, pool, precision)
        stack._load([torch.from_numpy(saved[name]) for name in stack._names()])
        for k in set(range(len(specs))) - set(stack.members):
            prefix = f"finished_{k}_"
            weights = {n.removeprefix(prefix): v for n, v in saved.items() if n.startswith(prefix)}
            finished[k] = Trained(weights, bool(saved["diverged"][k]))
        return stack

    def arrays(self, done: int, curves: Curves, finished: dict[int, Trained]) -> dict[str, Any]:
        """Arrays from which training can go on after `done` steps."""
        diverged = np.zeros(len(self.all), dtype=bool)
        state = (tensor.detach().cpu() for tensor in self._state())
        arrays: dict[str, Any] = dict(zip(self._names(), state, strict=True))
        for k, trained in finished.items():
            diverged[k] = trained.diverged
            arrays |= {f"finished_{k}_{name}": w for name, w in trained.weights.items()}
        counts = {"done": done, "members": np.array(self.members), "diverged": diverged}
        return arrays | counts | curves.arrays()

    def _names(self) -> list[str]:
        parts = ("weight", "mean", "square")
        return [f"{part}_{k}" for part in parts for k in self.weights] + ["alive"]

    def _state(self) -> list[Tensor]:
        parts = self.weights, self.optimizer.mean, self.optimizer.square
        return [tensor for part in parts for tensor in part.values()] + [self.alive]

    @torch.no_grad()
    def _load(self, state: Sequence[Tensor]) -> None:
        for mine, other in zip(self._state(), state, strict=True):
            mine.copy_(other[tuple(slice(size) for size in mine.shape)])

    def _trained(self, place: int) -> Trained:
        weights = {
            name: self.weights[name][place, :rows, :columns].detach().cpu().numpy().copy()
            for name, (rows, columns) in self._shapes(place).items()
        }
        finite = all(np.isfinite(w).all() for w in weights.values())
        return Trained(weights, not (finite and bool(self.alive[place])))
