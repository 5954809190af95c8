"""The training loop: all networks of a cohort take each optimiser step side by side."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import xarray as xr

from nofreelunch.compute import devices
from nofreelunch.errors import refused
from nofreelunch.networks import loss_steps
from nofreelunch.networks.cohorts import Cohort
from nofreelunch.training.checkpoints import Checkpoints
from nofreelunch.training.curves import Curves
from nofreelunch.training.halves import group, groups, halves, in_one_stack
from nofreelunch.training.minibatches import Pool
from nofreelunch.training.progress import Progress
from nofreelunch.training.stack import Stack
from nofreelunch.training.trained import Trained, cohort_dataset
from nofreelunch.training.training_stack import TrainingStack

Spec = Mapping[str, Any]

log = logging.getLogger(__name__)


def train(
    cohort: Cohort,
    trajectories: xr.Dataset,
    device: str = "auto",
    precision: str = "float32",
    checkpoints: Checkpoints | None = None,
    expected_bytes: float = 0,
) -> xr.Dataset:
    """Train the networks of a cohort on minibatches from a pool of trajectories.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import nofreelunch as nfl
    >>> with TemporaryDirectory() as folder:
    ...     study = Path(folder, "tiny.yaml")
    ...     _ = study.write_text("sweeps: {tiny: {units: 8, place_cells: 16, steps: 3}}")
    ...     [cohort] = nfl.load_study(study).cohorts
    >>> trained = nfl.train(cohort, nfl.random_walk(count=200, steps=20, seed=0), device="cpu")
    >>> trained["weight_recurrent"].shape
    (1, 8, 8)

    Every random number belongs to one network: its seed draws its place cells, weights, minibatches
    and dropout. A network is therefore the same in any cohort, up to rounding. A ReLU at its kink
    or chaotic dynamics can amplify rounding as training goes on.

    Networks of a cohort may differ in seed, fields, learning rate, decay, dropout, optimiser and
    schedule. They may also differ in batch size, sequence length, loss steps and number of place
    cells, because padding changes no gradient. A network with fewer steps leaves the stack when it
    is done.

    Args:
        cohort: networks of equal tensor shapes; see `Study.cohorts`.
        trajectories: pool with `position` (trajectory, moment, axis), m, at least as long as the
            longest sequence of the cohort, and the side of the arena (m) as attribute `arena`.
        device: "cpu", "cuda" or "auto" (CUDA where there is one).
        precision: "float32"; "tf32" in matrix products (CUDA only); or "bfloat16" in all of the
            networks. Targets, losses, weights and their updates are always float32.
        checkpoints: where to save, so that a killed job goes on; None saves nothing.
        expected_bytes: memory that training the whole cohort is expected to take. A cohort that is
            not expected to fit the device is trained in halves from the start. One that turns out
            not to fit is trained in halves once the device runs out of memory.

    Returns:
        `weight_<name>` (network, input, output): zero in rows or columns of place cells that a
        network does not have.
        `loss` and `position_error` (m) of the minibatch at training step `step`, all (network,
        checkpoint): NaN after the end of a curve. The loss is without weight decay.
        `diverged` (network): whether the loss was not finite, after which the network was frozen;
        the last step left weights that are not finite; or the loss grew tenfold.
        `spec` (network): JSON.

    Raises:
        ValueError: for trajectories that are too short or too few, a device or precision that is
            not available, networks of several shapes, or no networks.
        SystemExit: after a checkpoint, where SIGTERM or SIGINT asked to stop.
    """
    where = devices.choose(device, precision)
    if not cohort.networks:
        raise refused(cohort.name, "no networks", "one or more")
    specs = [network.spec for network in cohort.networks]
    for line in loss_steps.warnings(specs):
        log.warning("%s: %s", cohort.name, line)
    pool = Pool(trajectories, specs, where)
    return train_stacks(TrainingStack, cohort, pool, precision, checkpoints, expected_bytes)


def train_stacks(
    kind: type[Stack],
    cohort: Cohort,
    pool: Any,
    precision: str,
    checkpoints: Checkpoints | None,
    expected_bytes: float = 0,
) -> xr.Dataset:
    """Train a cohort of any kind of networks; arguments and result as in `train`.

    `pool` holds what the kind trains on: `position`, a tensor on the device of training, and
    `provenance`, which the result records.
    """
    specs = [network.spec for network in cohort.networks]
    if checkpoints:
        checkpoints.ignore_others(groups(specs))
    with checkpoints.listening() if checkpoints else nullcontext():
        job = _Job(cohort.name, kind, pool, precision, checkpoints, expected_bytes / len(specs))
        trained = _train_group(job, specs)
    for network, of_network in zip(cohort.networks, trained, strict=True):
        if of_network.diverged:
            log.warning(
                "network %s diverged: its loss or weights were not finite, or its loss has grown",
                network.id,
            )
    if all(of_network.diverged for of_network in trained):
        log.warning("%s: every network diverged; is the learning rate too high?", cohort.name)
    where = str(pool.position.device)
    attributes = {"device": where, "precision": precision, **pool.provenance}
    return cohort_dataset(cohort, trained, attributes)


class _Job(NamedTuple):
    """What the stacks of a job share; `bytes_each` is the memory expected for each network."""

    name: str
    kind: type[Stack]
    pool: Any
    precision: str
    checkpoints: Checkpoints | None
    bytes_each: float


def _train_group(job: _Job, specs: Sequence[Spec], whole: bool = True) -> list[Trained]:
    """Train networks side by side, or one half after the other if the device is too small."""
    device = job.pool.position.device
    need, free = job.bytes_each * len(specs), devices.free_memory(device)
    log.info(
        "%s: %d network%s, about %.0f MB on %s, where %.0f MB may be taken",
        *(job.name, len(specs), "s" * (len(specs) > 1), need / 1e6, device, free / 1e6),
    )
    try:
        if in_one_stack(specs, job.checkpoints, need <= free):
            return _train_stack(job, specs, whole)
    except RuntimeError as error:
        if not devices.out_of_memory(error):
            raise
        if len(specs) == 1:
            raise ValueError(
                f"{job.name}: one network of {specs[0]['units']} units and batch "
                f"{specs[0]['batch_size']} does not fit {device}"
            ) from error
    log.warning("%s: too large for %s; training it in halves", job.name, device)
    return [trained for part in halves(specs) for trained in _train_group(job, part, whole=False)]


def _train_stack(job: _Job, specs: Sequence[Spec], whole: bool) -> list[Trained]:
    """Train networks side by side, from their checkpoint on if there is one."""
    pool, precision, checkpoints = job.pool, job.precision, job.checkpoints
    curves = Curves([spec["steps"] for spec in specs])
    last = int(curves.steps.max())
    name_of_stack = group(specs)
    identity = {"specs": list(map(dict, specs)), "precision": precision, **pool.provenance}
    saved = checkpoints.load(name_of_stack, identity) if checkpoints else None
    finished: dict[int, Trained] = {}
    if saved is None:
        first, stack = 0, job.kind(range(len(specs)), specs, pool, precision)
    else:
        first = int(saved["done"])
        curves.restore(saved)
        stack = job.kind.restored(specs, pool, precision, saved, finished)
        log.info("%s: going on from step %d", job.name, first)
    progress = Progress(job.name, curves, first)
    for step in range(first, last):
        if (curves.steps[stack.members] <= step).any():
            remaining = stack.without_finished(step, finished)
            assert remaining is not None  # the longest training goes on until `last`
            stack = remaining
        stack.advance(step)
        if curves.due(stack.members, step).any():
            curves.record(stack.members, step, stack.loss, stack.position_error())
            if not stack.alive.any():
                break
        progress.tell(step)
        if checkpoints and checkpoints.due():
            checkpoints.save(name_of_stack, identity, stack.arrays(step + 1, curves, finished))
            checkpoints.stop_if_asked(job.name, step + 1)
    if checkpoints and not whole:  # a kill during the other parts loses nothing
        checkpoints.save(name_of_stack, identity, stack.arrays(last, curves, finished))
    stack.without_finished(last, finished)
    return [finished[k].with_curve(curves, k) for k in range(len(specs))]
