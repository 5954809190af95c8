"""Train a cohort: networks side by side, one optimiser step for all at a time.

Every random number belongs to a network: its seed names its place cells, weights, minibatches and
dropout, so that a network is the same whichever cohort it is trained in, to rounding: mostly to
1e-5 in its weights after 200 steps. A network that amplifies rounding, at the kink of a ReLU or by
chaotic dynamics, ends as far away as it does from itself with its first weights changed by 1e-7.

The networks of a cohort may differ in all that changes no graph: seeds, fields, rates, decay,
dropout, optimiser, schedule, and, by padding that changes no gradient, batch size, sequence length
and number of place cells. They may also differ in the number of steps: a finished network leaves
the stack.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from nofreelunch import costs, devices, networks, results, targets
from nofreelunch.checkpoints import Checkpoints
from nofreelunch.cohorts import Cohort, digest
from nofreelunch.minibatches import Dropout, Minibatches, Pool
from nofreelunch.optimizers import Optimizer
from nofreelunch.progress import Curves, Progress
from nofreelunch.results import Trained

CURVE_TRAJECTORIES = 20  # of a minibatch that its position error is taken over; decoding is slow

log = logging.getLogger(__name__)


def train(
    cohort: Cohort,
    trajectories: xr.Dataset,
    device: str = "auto",
    precision: str = "float32",
    checkpoints: Checkpoints | None = None,
) -> xr.Dataset:
    """Train the networks of `cohort` on minibatches from a pool of trajectories.

    Args:
        cohort: networks that stack; see `nofreelunch.cohorts`.
        trajectories: pool with `position` (trajectory, time, axis) in m, at least as long as the
            longest sequence of the cohort, and the arena's side as attribute `arena`.
        device: "cpu", "cuda" or "auto" (CUDA where there is one).
        precision: "float32"; "tf32", in matrix products (CUDA); or "bfloat16", in all of the
            networks. Targets, losses, weights and their updates are float32 always.
        checkpoints: where to save so that a job that is killed goes on; None saves nothing.

    Returns:
        Weights `weight_<name>` (network, ...), zero in the rows or columns of place cells that a
        network does not have; learning curves `loss` (of the minibatch, without weight decay) and
        `position_error` (m) at `step` (network, checkpoint), NaN where a curve has ended;
        `diverged` (network): a network whose loss was not finite, frozen from then on, whose last
        step left weights that are not, or whose loss has grown tenfold; and `spec` (network), JSON.

    Raises:
        ValueError: for trajectories that are too short or too few, a device or precision that is
            not there, or networks that do not stack, or none.
        SystemExit: after a checkpoint, where SIGTERM or SIGINT asked to stop.
    """
    where = devices.choose(device, precision)
    if not cohort.networks:
        raise ValueError(f"{cohort.name}: found no networks, allowed: one or more")
    specs = [network.spec for network in cohort.networks]
    pool = Pool(trajectories, specs, where)
    if checkpoints:
        checkpoints.ignore_others(_groups(specs))
    with checkpoints.listening() if checkpoints else nullcontext():
        trained = _train_group(cohort.name, specs, pool, precision, checkpoints)
    for network, of_network in zip(cohort.networks, trained, strict=True):
        if of_network.diverged:
            log.warning(
                "network %s diverged: its loss or weights were not finite, or its loss has grown",
                network.id,
            )
    if all(of_network.diverged for of_network in trained):
        log.warning("%s: every network diverged; is the learning rate too high?", cohort.name)
    attributes = {"device": str(where), "precision": precision, **pool.provenance}
    return results.dataset(cohort, trained, attributes)


def _train_group(
    name, specs, pool: Pool, precision: str, checkpoints, whole: bool = True
) -> list[Trained]:
    """Train networks side by side, or one half after the other where the device is too small."""
    need, free = costs.memory(specs), devices.free_memory(pool.position.device)
    log.info(
        "%s: %d network%s, about %.0f MB on %s, where %.0f MB may be taken",
        *(name, len(specs), "s" * (len(specs) > 1), need / 1e6),
        *(pool.position.device, free / 1e6),
    )
    try:
        if _in_one_stack(specs, checkpoints, need <= free):
            return _train_stack(name, specs, pool, precision, checkpoints, whole)
    except RuntimeError as error:
        if not devices.out_of_memory(error):
            raise
        if len(specs) == 1:
            raise ValueError(
                f"{name}: one network of {specs[0]['units']} units and batch "
                f"{specs[0]['batch_size']} does not fit {pool.position.device}"
            ) from error
    log.warning("%s: too large for %s; training it in halves", name, pool.position.device)
    return [
        trained
        for part in _halves(specs)
        for trained in _train_group(name, part, pool, precision, checkpoints, whole=False)
    ]


def _in_one_stack(specs, checkpoints, fit: bool) -> bool:
    """Whether networks train side by side: as in an earlier run, or else where they `fit`."""
    if len(specs) == 1 or (checkpoints and checkpoints.path(_group(specs)).exists()):
        return True
    return fit and not (checkpoints and _begun_in_parts(specs, checkpoints))


def _begun_in_parts(specs, checkpoints) -> bool:
    return len(specs) > 1 and any(
        checkpoints.path(_group(half)).exists() or _begun_in_parts(half, checkpoints)
        for half in _halves(specs)
    )


def _halves(specs):
    return specs[: len(specs) // 2], specs[len(specs) // 2 :]


def _groups(specs) -> Iterator[str]:
    """Names of the stacks that these networks may be trained in."""
    yield _group(specs)
    if len(specs) > 1:
        for half in _halves(specs):
            yield from _groups(half)


def _group(specs) -> str:
    """Name of the networks of a stack in the names of their checkpoints."""
    return digest([dict(spec) for spec in specs], 10)


def _train_stack(
    name, specs, pool: Pool, precision: str, checkpoints, whole: bool
) -> list[Trained]:
    curves = Curves([spec["steps"] for spec in specs])
    last = int(curves.steps.max())
    group = _group(specs)
    identity = {"specs": list(map(dict, specs)), "precision": precision, **pool.provenance}
    saved = checkpoints.load(group, identity) if checkpoints else None
    finished: dict[int, Trained] = {}
    if saved is None:
        first, stack = 0, Stack(range(len(specs)), specs, pool, precision)
    else:
        first = int(saved["done"])
        curves.restore(saved)
        stack = Stack.restored(specs, pool, precision, saved, finished)
        log.info("%s: going on from step %d", name, first)
    progress = Progress(name, curves, first)
    for step in range(first, last):
        if (curves.steps[stack.members] <= step).any():
            stack = stack.without_finished(step, finished)
        stack.advance(step)
        if curves.due(stack.members, step).any():
            curves.record(stack.members, step, stack.loss, stack.position_error())
            if not stack.alive.any():
                break
        progress.tell(step)
        if checkpoints and checkpoints.due():
            checkpoints.save(group, identity, stack.arrays(step + 1, curves, finished))
            checkpoints.stop_if_asked(name, step + 1)
    if checkpoints and not whole:  # the other parts take time yet
        checkpoints.save(group, identity, stack.arrays(last, curves, finished))
    stack.without_finished(last, finished)
    return [finished[k].with_curve(curves, k) for k in range(len(specs))]


class Stack:
    """The networks of a cohort that are still training.

    Attributes:
        members: place of each in the cohort.
        all: specs of all networks of the cohort; `specs` has those of the stack.
        position: (network, time, sample, axis) of the latest minibatch, m.
        output: (network, time, sample, cell) of the latest minibatch.
        loss: (network,) of the latest minibatch.
        alive: (network, 1, 1), False from the step at which a network's loss was not finite.
    """

    def __init__(
        self, members: Sequence[int], specs: Sequence[Mapping[str, Any]], pool: Pool, precision: str
    ) -> None:
        self.members, self.all, self.pool = list(members), specs, pool
        self.specs, self.precision = [specs[k] for k in members], precision
        device = pool.position.device
        seeds = [spec["seed"] for spec in self.specs]
        target = targets.build_stack(self.specs, seeds, pool.arena)
        self.networks = networks.initialize(self.specs, target.cells_of)
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
        """One training step: draw, and then what a GPU repeats as one graph."""
        position, rates = self.minibatches.draw(step), self.optimizer.rates(step)
        if self.pool.position.device.type != "cuda":
            self.position, self.rates = position, rates
            self.dropout.step.fill_(step)
            self._compute()
            return
        if self.replay is None:
            self.position = position.clone()
        self.position.copy_(position)
        self.rates.copy_(rates, non_blocking=True)
        self.dropout.step.fill_(step)
        if self.replay is None:
            self.replay = devices.captured(self._compute, self._state())
        self.replay()

    def _compute(self) -> None:
        """Forward, loss, backward and update, for the minibatch at `position`."""
        position, target = self.position, self.target
        start, code = target.encode(position[:, 0]), target.encode(position[:, 1:])
        velocity = position[:, 1:] - position[:, :-1]
        run = self.networks if self.precision != "bfloat16" else self.networks.to(torch.bfloat16)
        shape = len(self.specs), *velocity.shape[1:3], self.specs[0]["units"]
        recurrent = self.dropout.factors("recurrent", (shape[0], *shape[2:]))
        activity = run.run(start, velocity, recurrent, self.minibatches.ended)
        readout = self.dropout.factors("readout", shape)
        output = run.read_out(activity if readout is None else activity * readout).float()
        loss = target.loss(output, code, self.minibatches.weights)
        weights = self.networks.weights
        gradients = torch.autograd.grad(loss.sum(), list(weights.values()))
        self.loss, self.output = loss.detach(), output.detach()
        self.alive &= self.loss.isfinite()[:, None, None]
        self.optimizer.update(weights, gradients, self.rates, self.alive)

    def position_error(self) -> Tensor:
        """Mean distance (m) between true and decoded positions of the latest minibatch."""
        shown = self.output[:, :, :CURVE_TRAJECTORIES]
        apart = self.target.decode(shown) - self.position[:, 1:, :CURVE_TRAJECTORIES]
        share = self.minibatches.weights[:, :, :CURVE_TRAJECTORIES] > 0
        apart = torch.linalg.vector_norm(apart, dim=-1)
        return (apart * share).sum((1, 2)) / share.sum((1, 2))

    def without_finished(self, done: int, finished: dict[int, Trained]) -> Stack | None:
        """The networks with more than `done` steps; the others' weights go to `finished`."""
        for place, (k, spec) in enumerate(zip(self.members, self.specs, strict=True)):
            if spec["steps"] <= done:
                finished[k] = self._trained(place)
        self.replay = None  # and with it the memory of its graph
        stay = [i for i, spec in enumerate(self.specs) if spec["steps"] > done]
        if not stay:
            return None
        smaller = Stack([self.members[i] for i in stay], self.all, self.pool, self.precision)
        index = torch.tensor(stay, device=self.alive.device)
        smaller._load([tensor[index] for tensor in self._state()])
        return smaller

    @classmethod
    def restored(cls, specs, pool: Pool, precision: str, saved, finished) -> Stack:
        """The stack of a checkpoint; networks that had finished go to `finished`."""
        stack = cls(saved["members"].tolist(), specs, pool, precision)
        stack._load([torch.from_numpy(saved[name]) for name in stack._names()])
        for k in set(range(len(specs))) - set(stack.members):
            prefix = f"finished_{k}_"
            weights = {n.removeprefix(prefix): v for n, v in saved.items() if n.startswith(prefix)}
            finished[k] = Trained(weights, bool(saved["diverged"][k]))
        return stack

    def arrays(self, done: int, curves: Curves, finished: dict[int, Trained]) -> dict[str, Any]:
        """All that training needs to go on after `done` steps."""
        diverged = np.zeros(len(self.all), dtype=bool)
        arrays = dict(zip(self._names(), (t.detach().cpu() for t in self._state()), strict=True))
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
        layout = networks.shapes(spec["cell"], spec["units"], cells)
        weights = {
            name: self.networks.weights[name][place, :rows, :columns].detach().cpu().numpy().copy()
            for name, (rows, columns) in layout.items()
        }
        finite = all(np.isfinite(w).all() for w in weights.values())
        return Trained(weights, not (finite and bool(self.alive[place])))
