"""Ensembles on one core: the engine against JAX and PyTorch, all on the same core.

`python benchmarks/one_core.py` writes the numbers to the table of this kind of hardware, in six
minutes. JAX is measured where the extra `benchmark` is installed.
"""

from __future__ import annotations

import importlib.metadata
import logging
import os
from typing import Any, NamedTuple

import engine
import tables
from nofreelunch.study import costs
from workers import Workers, product_operations


class Size(NamedTuple):
    """An ensemble: networks of `units` units and `cells` place cells that train at once."""

    units: int
    cells: int
    batch: int
    networks: int


SIZES = (
    Size(128, 256, 100, 1),
    Size(128, 256, 100, 4),
    Size(64, 128, 100, 16),
    Size(256, 256, 200, 1),
    Size(256, 512, 100, 1),
    Size(512, 512, 200, 1),
)
FEW = 4  # loss steps
CALL = 4  # training steps that one call of tuned JAX takes
REPEATS = 5
SECONDS = 0.8  # per measurement; there are 6 or 7 per size and repeat
LIBRARIES = ("jax", "jaxlib", "optax")

log = logging.getLogger("benchmarks")


def run(
    sizes: tuple[Size, ...] = SIZES, repeats: int = REPEATS, seconds: float = SECONDS
) -> dict[str, Any]:
    """Milliseconds per training step of all networks of an ensemble, and FLOP/s of products.

    Every repeat measures all ways one after the other. The baseline trains one network at a time.
    JAX trains an ensemble at once and, where that may be faster, also one network at a time.

    Returns `rows`, one per size, with a list over repeats for each measurement. Those of JAX are
    absent where it is not installed; `libraries` has the versions of what is.
    """
    libraries, rows = installed(), []
    for size in sizes:
        row = size._asdict()
        for name, steps in (("operations", "all"), ("operations_few", FEW)):
            spec = engine.spec(*size[:2], batch_size=size.batch, loss_steps=steps)
            row[name] = size.networks * costs.operations(spec)
        rows.append(row)
    core = max(os.sched_getaffinity(0))
    with (
        Workers(1, threads=1, tuned=True, core=core) as tuned,
        Workers(1, threads=1, core=core) as plain,
    ):
        for repeat in range(repeats):
            for size, row in zip(sizes, rows, strict=True):
                for name, value in measured(size, tuned, plain, seconds, libraries).items():
                    row.setdefault(name, []).append(value)
                    log.info("repeat %d, %s: %s %.4g", repeat + 1, tuple(size), name, value)
    return {"rows": rows, "libraries": libraries}


def measured(
    size: Size, tuned: Workers, plain: Workers, seconds: float, jax: bool
) -> dict[str, float]:
    """One repeat of one size: milliseconds per step, and FLOP/s of products."""
    units, cells, batch, networks = size
    of_one = {"cells": cells, "batch": batch}
    of_all = of_one | {"networks": networks}
    found = {
        "engine": 1e3 / tuned.rate("engine", units, seconds, **of_all),
        "engine_few": 1e3 / tuned.rate("engine", units, seconds, **of_all, loss_steps=FEW),
    }
    if jax:
        found["jax_plain"] = 1e3 / plain.rate("jax_plain", units, seconds, **of_all)
        ways = ("jax_vmap", "jax_in_turn") if networks > 1 else ("jax_vmap",)
        for way in ways:
            found[way] = 1e3 / (CALL * plain.rate(way, units, seconds, **of_all, steps=CALL))
    found["baseline"] = networks * 1e3 / plain.rate("baseline", units, seconds, **of_one)
    products = tuned.rate("product", units, seconds / 2, **of_one)
    return found | {"product": products * product_operations(*size[:3])}


def installed() -> dict[str, str]:
    """Versions of the libraries of the extra `benchmark`; empty if one of them is absent."""
    try:
        return {name: importlib.metadata.version(name) for name in LIBRARIES}
    except importlib.metadata.PackageNotFoundError:
        return {}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    tables.record("one_core", run)
