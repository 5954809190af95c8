"""Training speed on a GPU, by precision and number of networks, against a bound.

The bound of a step is the longer of two times: its floating-point operations at the measured rate
of matrix products, and the bytes of its weights at the measured bandwidth. Passes over activations,
codes and logits are left out.
"""

from __future__ import annotations

import gc
import itertools
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest import mock

import engine
import machine
import torch
from nofreelunch.compute import devices
from nofreelunch.study import costs

UNITS, CELLS = 1024, 512
COHORTS = (1, 4, 16, 64, 256)
REPEATS, SECONDS = 3, 1.0
BYTES = {"float32": 4, "tf32": 4, "bfloat16": 2}  # of a weight in a matrix product
# Passes of an optimiser over the weights, in float32: gradient, weight and two moments, in and out.
UPDATE_PASSES = 8

log = logging.getLogger("benchmarks")


def run(device: str = "cuda", **options: Any) -> dict[str, Any]:
    """The result of `measurements` once all of its rows are there."""
    *_, result = measurements(devices.choose(device), **options)
    return result


def measurements(
    where: torch.device,
    units: int = UNITS,
    cells: int = CELLS,
    cohorts: tuple[int, ...] = COHORTS,
    precisions: tuple[str, ...] = devices.PRECISIONS,
    repeats: int = REPEATS,
    seconds: float = SECONDS,
    **keys: Any,
) -> Iterator[dict[str, Any]]:
    """Networks·steps/s of cohorts of ReLU RNNs in each precision, beside their bound.

    `keys` go into the networks' spec. Yields the result so far after every row: `bandwidth`
    (bytes/s), `products` (FLOP/s by precision) and `rows`, one per cohort size and precision.
    Where JAX sees a GPU, the same networks are also trained by `jax_ensemble`.
    """
    pool = engine.walks()
    result: dict[str, Any] = {"units": units, "cells": cells, "products": {}, "rows": []}
    result["bandwidth"] = bandwidth(where, repeats, seconds / 2)
    for precision in precisions:
        devices.choose(where.type, precision)
        result["products"][precision] = products(where, precision, units, repeats, seconds / 2)
    for count, precision in itertools.product(cohorts, precisions):
        devices.choose(where.type, precision)
        row: dict[str, Any] = {"precision": precision, "networks": count}
        specs = [engine.spec(units, cells, seed, **keys) for seed in range(count)]
        try:
            row |= measure(pool, specs, where, precision, repeats, seconds)
            times = bound(specs, precision, result, cache(where))
            row |= {"bound": count / max(times.values()), "bound_by": max(times, key=times.get)}
        except RuntimeError as error:
            if not devices.out_of_memory(error):
                raise
            row["error"] = "out of memory"
        _release(where)
        if precision == "float32":
            row |= _in_jax(pool, units, cells, count, repeats, seconds)
        result["rows"].append(row)
        log.info("%s", row)
        yield result


def _in_jax(pool, units: int, cells: int, count: int, repeats: int, seconds: float):
    """Networks·steps/s of the JAX ensemble on a GPU; empty without JAX, or if it sees none."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # leave memory to torch
    try:
        import jax
        import jax_ensemble
    except ImportError:
        return {}
    if jax.default_backend() != "gpu":
        return {}
    walks = pool["position"].values.astype("float32")
    steps = 10
    try:
        made = jax_ensemble.Ensemble(walks, count, units, cells, way="vmap", steps=steps)
        made.step()
        rates = [count * steps * machine.timed(made.step, seconds) for _ in range(repeats)]
    except RuntimeError as error:  # jax.errors.JaxRuntimeError
        return {"jax_error": str(error).partition("\n")[0]}
    return {"jax": rates}


def measure(
    pool, specs: list[dict[str, Any]], where: torch.device, precision: str, repeats: int, seconds
) -> dict[str, Any]:
    """Networks·steps/s of one cohort, and on a GPU its memory and its speed without the graph."""
    networks = engine.stack(pool, specs, where.type, precision)
    step, row = engine.stepper(networks), {}

    def rates() -> list[float]:
        step()
        return [len(specs) * _rate(step, seconds, where) for _ in range(repeats)]

    if where.type == "cuda":
        with mock.patch.object(devices, "captured", lambda step, state: step):
            row["rate_without_graph"] = rates()
        networks.replay = networks.output = None
        _release(where)
        torch.cuda.reset_peak_memory_stats()
    row["rate"] = rates()
    if where.type == "cuda":
        row["graph"] = networks.replay != networks._compute
        row["bytes_per_network"] = torch.cuda.max_memory_allocated() / len(specs)
    return row


def bound(
    specs: list[dict[str, Any]], precision: str, measured: Mapping[str, Any], cached: int
) -> dict[str, float]:
    """Shortest time of a training step, in seconds, as arithmetic and as bandwidth limit it."""
    operations = sum(costs.operations(spec) for spec in specs)
    moved = weight_bytes(specs, BYTES[precision], cached)
    return {
        "arithmetic": operations / machine.median(measured["products"][precision]),
        "bandwidth": moved / machine.median(measured["bandwidth"]),
    }


def weight_bytes(specs: list[dict[str, Any]], size: int, cached: int) -> float:
    """Bytes of weights that a step moves at least.

    Every weight, of `size` bytes, is read once on the way forward and once on the way back.
    Recurrent kernels are read at every time step, unless all of them fit a cache of `cached` bytes.
    The optimiser's passes come on top.
    """
    first = specs[0]
    layout = costs.weight_shapes(first["cell"], first["units"], costs.outputs(first))
    every = len(specs) * sum(rows * columns for rows, columns in layout.values())
    recurrent = len(specs) * layout["recurrent"][0] * layout["recurrent"][1]
    again = first["sequence_length"] - 1 if recurrent * size > cached else 0
    return 2 * size * (every + again * recurrent) + 4 * UPDATE_PASSES * every


def products(
    where: torch.device, precision: str, n: int, repeats: int, seconds: float
) -> list[float]:
    """FLOP/s of products of `precision`: 16 networks at a time on a GPU, (4000, n) times (n, n)."""
    batch, rows = 16 if where.type == "cuda" else 1, engine.baseline.BATCH * engine.LENGTH
    kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
    left = torch.rand(batch, rows, n, device=where, dtype=kind)
    right = torch.rand(batch, n, n, device=where, dtype=kind)
    out = torch.empty(batch, rows, n, device=where, dtype=kind)

    def step() -> None:
        torch.bmm(left, right, out=out)

    step()
    operations = 2 * batch * rows * n * n
    return [operations * _rate(step, seconds, where) for _ in range(repeats)]


def bandwidth(where: torch.device, repeats: int, seconds: float) -> list[float]:
    """Bytes/s read and written by copies that are too large for any cache."""
    count = 2**28 if where.type == "cuda" else 2**25  # numbers of 4 bytes
    source, copy = torch.rand(2, count, device=where)

    def step() -> None:
        copy.copy_(source)

    return [2 * 4 * count * _rate(step, seconds, where) for _ in range(repeats)]


def cache(where: torch.device) -> int:
    """Bytes of the device's last cache; 0 if unknown."""
    if where.type != "cuda":
        return 0
    return getattr(torch.cuda.get_device_properties(where), "L2_cache_size", 0)


def _rate(step: Callable[[], None], seconds: float, where: torch.device) -> float:
    return machine.timed(step, seconds, torch.cuda.synchronize if where.type == "cuda" else None)


def _release(where: torch.device) -> None:
    gc.collect()
    if where.type == "cuda":
        torch.cuda.empty_cache()
