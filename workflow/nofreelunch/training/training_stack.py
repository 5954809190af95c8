"""One training step of a stack of the study's networks, which encode their start position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from nofreelunch.compute import devices
from nofreelunch.networks.initialize import initialize
from nofreelunch.networks.network_stack import NetworkStack
from nofreelunch.networks.shapes import cells, weight_shapes
from nofreelunch.task import targets
from nofreelunch.training.minibatches import Dropout, Minibatches, Pool
from nofreelunch.training.stack import Stack

CURVE_TRAJECTORIES = 20  # of a minibatch, for its position error; decoding all of it is slow


class TrainingStack(Stack):
    """The networks of a cohort that are still training.

    Attributes:
        networks: the stack as it runs; its weights are those of `Stack`.
        target: what the networks learn to encode.
        position: (network, time, sample, axis) of the latest minibatch, m.
        times: (network, loss step, sample), the time steps at which its loss is computed.
        output: (network, loss step, sample, cell) of the latest minibatch.
    """

    pool: Pool

    def _draw(self, device: torch.device) -> dict[str, Tensor]:
        seeds = [spec["seed"] for spec in self.specs]
        target = targets.build_targets(self.specs, seeds, self.pool.arena)
        self.networks = self._drawn(target.cells_of)
        self.networks.encoder_scale = self.networks.encoder_scale.to(device)
        self.target = target.to(device, torch.float32)
        self.minibatches = Minibatches(self.pool, self.specs)
        self.dropout = Dropout(self.specs, device)
        self.rates = torch.zeros(len(self.specs), device=device)
        weights = self.networks.weights
        self.networks.weights = {k: w.to(device).requires_grad_() for k, w in weights.items()}
        return self.networks.weights

    def _drawn(self, cells_of: Sequence[int]) -> NetworkStack:
        return initialize(self.specs, cells_of)

    def _shapes(self, place: int) -> Mapping[str, tuple[int, int]]:
        spec, cells = self.specs[place], self.target.cells_of[place]
        return weight_shapes(spec["cell"], spec["units"], cells)

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
        weights = self.weights
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
        decoded = self.target.decode(self.output[:, :, :CURVE_TRAJECTORIES])
        share = self.minibatches.weights[:, :, :CURVE_TRAJECTORIES] > 0
        share = share * self.minibatches.stands_for[..., None]
        apart = self.target.distance(decoded, position)
        return (apart * share).sum((1, 2)) / share.sum((1, 2))
