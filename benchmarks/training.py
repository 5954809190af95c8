"""Training speed: the engine against plain PyTorch, and both against the matrix products alone.

`python benchmarks/training.py` measures the CPU; with `--device cuda` it measures the GPU. The
numbers go to the table of this kind of hardware.
"""

from __future__ import annotations

import argparse
import logging
from typing import Any

import engine
import gpu
import machine
import tables
from nofreelunch.study import costs
from workers import Workers, product_operations

SIZES = (128, 256, 512, 1024)  # units, and as many place cells
REPEATS = 5
SECONDS = 2.5  # per measurement; there are 6 per size and repeat

log = logging.getLogger("benchmarks")


def run(
    sizes: tuple[int, ...] = SIZES, repeats: int = REPEATS, seconds: float = SECONDS
) -> dict[str, Any]:
    """Networks·steps/s of the engine and the baseline, and FLOP/s of single-precision products.

    Every repeat measures all of them in turn, so that a machine that is slow for a while is slow
    for all. The engine, the step by hand, the product and `baseline_per_core` run as one
    single-threaded process per core, all at once. The other baselines have the machine to
    themselves, for one network.

    Returns `rows`, one per size, with a list over repeats for each measurement.
    """
    cores, rows = machine.cores(), []
    names = "baseline_one_thread", "baseline_all_threads", "baseline_per_core"
    names += "engine", "by_hand", "product"
    for n in sizes:
        operations = costs.operations(engine.spec(n, n))
        rows.append({"units": n, "operations": operations} | {name: [] for name in names})
    with (
        Workers(cores, threads=1, tuned=True) as tuned,
        Workers(cores, threads=1) as plain,
        Workers(1, threads=cores) as threaded,
    ):
        for repeat in range(repeats):
            for row in rows:
                n = row["units"]
                measured = (
                    plain.rate("baseline", n, seconds, processes=1),
                    threaded.rate("baseline", n, seconds),
                    plain.rate("baseline", n, seconds),
                    tuned.rate("engine", n, seconds),
                    tuned.rate("by_hand", n, seconds),
                    tuned.rate("product", n, seconds / 2) * product_operations(n, n),
                )
                for name, value in zip(names, measured, strict=True):
                    row[name].append(value)
                log.info(
                    "repeat %d, %4d units: baseline %.2f and %.2f, one per core %.2f, engine %.2f, "
                    "by hand %.2f networks·steps/s; products %.3g FLOP/s",
                    *(repeat + 1, n, *measured),
                )
    return {"rows": rows}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    try:
        if parser.parse_args().device == "cpu":
            tables.record("training", run)
        else:
            tables.record("gpu", gpu.run)
    except ValueError as error:  # no such device
        parser.error(str(error))
