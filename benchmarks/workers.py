"""Processes that time steps at the same moment, as a study's training jobs run on a CPU."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from multiprocessing.connection import Connection

import engine
import machine
import torch
from baseline import BATCH, Baseline
from by_hand import ByHand
from nofreelunch.compute import kernels


class Workers:
    """`count` processes of `threads` threads each, which wait until they are asked for a rate.

    With `tuned`, they are set up as the workflow sets up its training jobs. With `core`, they run
    on this core alone.
    """

    def __init__(
        self, count: int, threads: int, tuned: bool = False, core: int | None = None
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self.connections, self.processes = [], []
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=serve, args=(theirs, threads, tuned), daemon=True)
            with pinned(core):
                process.start()
            theirs.close()
            self.connections.append(ours)
            self.processes.append(process)

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        for connection, process in zip(self.connections, self.processes, strict=True):
            with suppress(OSError):
                connection.send(None)
            process.join()

    def rate(
        self, what: str, units: int, seconds: float, processes: int | None = None, **size: int
    ) -> float:
        """Calls per second of `what`, a key of `STEPS`, summed over the processes.

        All processes, or the first few, begin at once when the last is ready. `size` is the rest of
        what a step takes: `cells`, `batch` and `networks`.
        """
        used = self.connections[:processes]
        for connection in used:
            connection.send((what, units, size, seconds))
        for connection in used:
            connection.recv()
        for connection in used:
            connection.send("begin")
        return sum(connection.recv() for connection in used)


def product_operations(units: int, cells: int, batch: int = BATCH) -> int:
    """Floating-point operations of the step `product`: (batch * 20, units) times (units, cells)."""
    return 2 * batch * engine.LENGTH * units * cells


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """Processes that start in this block run on `core` alone; None lets them run on all.

    Libraries count the cores as they are imported, so a process is pinned before it starts.
    """
    if core is None:
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def serve(connection: Connection, threads: int, tuned: bool) -> None:
    """Answer with rates until asked for None, or until the other end closes."""
    torch.set_num_threads(threads)
    if tuned:
        kernels.keep_memory()
    with suppress(EOFError):
        for what, units, size, seconds in iter(connection.recv, None):
            step = _step(what, units, **size)
            step()
            connection.send("ready")
            connection.recv()
            connection.send(machine.timed(step, seconds))


@cache
def _step(what: str, units: int, cells: int = 0, **size: int) -> Callable[[], object]:
    return STEPS[what](units, cells or units, **size)


def _engine(
    units: int, cells: int, batch: int = BATCH, networks: int = 1, **keys: int
) -> Callable[[], object]:
    specs = [engine.spec(units, cells, seed, batch_size=batch, **keys) for seed in range(networks)]
    return engine.stepper(engine.stack(engine.walks(), specs, "cpu"))


def _by_hand(units: int, cells: int) -> Callable[[], object]:
    network = ByHand(engine.stack(engine.walks(), [engine.spec(units, cells)], "cpu"))
    return engine.stepper(network)


def _baseline(units: int, cells: int, batch: int = BATCH) -> Callable[[], object]:
    walks = torch.from_numpy(engine.walks()["position"].values)
    return Baseline(walks, units, cells, batch).step


def _jax(
    way: str, units: int, cells: int, batch: int, networks: int, steps: int = 1
) -> Callable[[], object]:
    from jax_ensemble import Ensemble  # not before it is asked for: JAX may be absent

    walks = engine.walks()["position"].values
    return Ensemble(walks, networks, units, cells, batch, way, steps).step


def _product(units: int, cells: int, batch: int = BATCH) -> Callable[[], object]:
    rows = batch * engine.LENGTH
    left, right, out = torch.rand(rows, units), torch.rand(units, cells), torch.empty(rows, cells)
    return lambda: torch.mm(left, right, out=out)


# What is timed, with `units` units and `cells` place cells, or as many cells as units.
STEPS = {
    "engine": _engine,
    "by_hand": _by_hand,
    "baseline": _baseline,
    "jax_plain": partial(_jax, "plain"),
    "jax_vmap": partial(_jax, "vmap"),
    "jax_in_turn": partial(_jax, "in_turn"),
    "product": _product,
}
