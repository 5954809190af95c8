"""The stack of networks that are still training: one step of all, saving, and finishing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nofreelunch.compute import devices
from nofreelunch.networks.initialize import initialize
from nofreelunch.networks.shapes import cells, weight_shapes
from nofreelunch.task import targets
from nofreelunch.training.curves import Curves
from nofreelunch.training.minibatches import Dropout, Minibatches, Pool
from nofreelunch.training.optimizers import Optimizer
from nofreelunch.training.trained import Trained

CURVE_TRAJECTORIES = 20  # of a minibatch, for its position error; decoding all of it is slow


class TrainingStack:
    """The networks of a cohort that are still training.

    Attributes:
        members: place of each network of the stack in the cohort.
        all: specs of all networks of the cohort.
        specs: specs of the networks of the stack.
        position: (network, time, sample, axis) of the latest minibatch, m.
        times: (network, loss step, sample), the time steps at which its loss is computed.
        output: (network, loss step, sample, cell) of the latest minibatch.
        loss: (network,) of the latest minibatch.
        alive: (network, 1, 1), False from the step on at which a network's loss was not finite.
    """

    def __init__(
        self, members: Sequence[int], specs: Sequence[Mapping[str, Any]], pool: Pool, precision: str
    ) -> None:
        self.members, self.all, self.pool = list(members), specs, pool
        self.specs, self.precision = [specs[k] for k in members], precision
        device = pool.position.device
        seeds = [spec["seed"] for spec in self.specs]
        target = targets.build_targets(self.specs, seeds, pool.arena)
        self.networks = initialize(self.specs, target.cells_of)
        weights = self.networks.weights
        self.networks.weights = {k: w.to(device).requires_grad_() for k, w in weights.items()}
        self.networks.encoder_scale = self.networks.encoder_scale.to(device)
        self.target = target.to(device, torch.float32)
        self.optimizer = Optimizer(self.specs, self.networks.weights)
        self.minibatches = Minibatches(pool, self.specs)
        self.dropout = Dropout(self.specs, device)
        self.alive = torch.ones(len(self.specs), 1, 1, dtype=torch.bool, device=device)
        self.rates = torch.zeros(len(self.specs), device=device)
        self.replay: Callable[[], None] | None = None

    def advance(self, step: int) -> None:
        """Take one training step: draw a minibatch, then compute; a GPU replays one graph."""
        (position, times), rates = self.minibatches.draw(step), self.optimizer.rates(step)
        if self.pool.position.device.type != "cuda":
            self.position, self.times, self.rates = position, times, rates
            self.dropout.step.fill_(step)
            self._compute()
            return
        if self.replay is None:
            self.position, self.times = position.clone(), times.clone()
        self.position.copy_(position)
        self.times.copy_(times)
        self.rates.copy_(rates, non_blocking=True)
        self.dropout.step.fill_(step)
        if self.replay is None:
            self.replay = devices.captured(self._compute, self._state())
        self.replay()

    def _compute(self) -> None:
        """Forward pass, loss, backward pass and update for the minibatch in `position`."""
        position, target = self.position, self.target
        start = target.encode(position[:, 0])
        inputs, ended = self.networks.inputs_of(position), self.minibatches.ended
        recurrent = cells()[self.networks.cell].recurrent
        if not recurrent:  # time steps do not meet, so those without a loss are never computed
            inputs, ended = self._at_loss_steps(inputs), None
        run = self.networks if self.precision != "bfloat16" else self.networks.to(torch.bfloat16)
        shape = len(self.specs), inputs.shape[2], self.specs[0]["units"]
        activity = run.run(start, inputs, self.dropout.factors("recurrent", shape), ended)
        activity = self._at_loss_steps(activity) if recurrent else activity
        readout = self.dropout.factors("readout", tuple(activity.shape), self.times)
        output = run.read_out(activity if readout is None else activity * readout).float()
        answers = self._at_loss_steps(position[:, 1:])
        loss = target.loss_at(output, answers, self.minibatches.weights)
        weights = self.networks.weights
        gradients = torch.autograd.grad(loss.sum(), list(weights.values()))
        self.loss, self.output = loss.detach(), output.detach()
        self.alive &= self.loss.isfinite()[:, None, None]
        self.optimizer.update(weights, gradients, self.rates, self.alive)

    def _at_loss_steps(self, values: Tensor) -> Tensor:
        """Values (network, loss step, sample, ...) of values (network, time, sample, ...)."""
        if self.minibatches.every:
            return values
        networks, time, samples = values.shape[:3]
        network = torch.arange(networks, device=values.device)[:, None, None]
        sample = torch.arange(samples, device=values.device)
        rows = (network * time + self.times) * samples + sample
        chosen = values.flatten(0, 2).index_select(0, rows.flatten())
        return chosen.unflatten(0, rows.shape)

    def position_error(self) -> Tensor:
        """Mean distance (network,), m, between true and decoded positions of the minibatch."""
        position = self._at_loss_steps(self.position[:, 1:])[:, :, :CURVE_TRAJECTORIES]
        apart = self.target.decode(self.output[:, :, :CURVE_TRAJECTORIES]) - position
        share = self.minibatches.weights[:, :, :CURVE_TRAJECTORIES] > 0
        share = share * self.minibatches.stands_for[..., None]
        apart = torch.linalg.vector_norm(apart, dim=-1)
        return (apart * share).sum((1, 2)) / share.sum((1, 2))

    def without_finished(self, done: int, finished: dict[int, Trained]) -> TrainingStack | None:
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
        smaller = TrainingStack(
            [self.members[i] for i in stay], self.all, self.pool, self.precision
        )
        index = torch.tensor(stay, device=self.alive.device)
        smaller._load([tensor[index] for tensor in self._state()])
        return smaller

    @classmethod
    def restored(cls, specs, pool: Pool, precision: str, saved, finished) -> TrainingStack:
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
        return [f"{part}_{k}" for part in parts for k in self.networks.weights] + ["alive"]

    def _state(self) -> list[Tensor]:
        parts = self.networks.weights, self.optimizer.mean, self.optimizer.square
        return [tensor for part in parts for tensor in part.values()] + [self.alive]

    @torch.no_grad()
    def _load(self, state: Sequence[Tensor]) -> None:
        for mine, other in zip(self._state(), state, strict=True):
            mine.copy_(other[tuple(slice(size) for size in mine.shape)])

    def _trained(self, place: int) -> Trained:
        spec, cells = self.specs[place], self.target.cells_of[place]
        layout = weight_shapes(spec["cell"], spec["units"], cells)
        weights = {
            name: self.networks.weights[name][place, :rows, :columns].detach().cpu().numpy().copy()
            for name, (rows, columns) in layout.items()
        }
        finite = all(np.isfinite(w).all() for w in weights.values())
        return Trained(weights, not (finite and bool(self.alive[place])))
