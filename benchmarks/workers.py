"""Processes that time steps at the same moment, as a study's training jobs run on a CPU."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from multiprocessing.connection import Connection

import engine
import machine
import torch
from baseline import Baseline
from by_hand import ByHand
from nofreelunch.compute import kernels

ROWS = engine.baseline.BATCH * engine.LENGTH  # of a product: all samples of a minibatch


class Workers:
    """`count` processes of `threads` threads each, which wait until they are asked for a rate.

    With `tuned`, they are set up as the workflow sets up its training jobs.
    """

    def __init__(self, count: int, threads: int, tuned: bool = False) -> None:
        context = multiprocessing.get_context("spawn")
        self.connections, self.processes = [], []
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=serve, args=(theirs, threads, tuned), daemon=True)
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

    def rate(self, what: str, n: int, seconds: float, processes: int | None = None) -> float:
        """Steps per second of `what`, a key of `STEPS`, summed over the processes.

        All processes, or the first few, begin at once when the last is ready.
        """
        used = self.connections[:processes]
        for connection in used:
            connection.send((what, n, seconds))
        for connection in used:
            connection.recv()
        for connection in used:
            connection.send("begin")
        return sum(connection.recv() for connection in used)


def serve(connection: Connection, threads: int, tuned: bool) -> None:
    """Answer with rates until asked for None, or until the other end closes."""
    torch.set_num_threads(threads)
    if tuned:
        kernels.keep_memory()
    with suppress(EOFError):
        for what, n, seconds in iter(connection.recv, None):
            step = _step(what, n)
            step()
            connection.send("ready")
            connection.recv()
            connection.send(machine.timed(step, seconds))


@cache
def _step(what: str, n: int) -> Callable[[], object]:
    return STEPS[what](n)


def _engine(n: int) -> Callable[[], object]:
    return engine.stepper(engine.stack(engine.walks(), [engine.spec(n, n)], "cpu"))


def _by_hand(n: int) -> Callable[[], object]:
    network = ByHand(engine.stack(engine.walks(), [engine.spec(n, n)], "cpu"))
    return engine.stepper(network)


def _baseline(n: int) -> Callable[[], object]:
    walks = torch.from_numpy(engine.walks()["position"].values)
    return Baseline(walks, n, n).step


def _product(n: int) -> Callable[[], object]:
    left, right, out = torch.rand(ROWS, n), torch.rand(n, n), torch.empty(ROWS, n)
    return lambda: torch.mm(left, right, out=out)


# Steps with n units and n place cells; a product is (4000, n) times (n, n).
STEPS = {"engine": _engine, "by_hand": _by_hand, "baseline": _baseline, "product": _product}
