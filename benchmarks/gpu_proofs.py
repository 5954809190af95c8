"""What a GPU has to prove before its numbers count: parts of `gpu_check.py`.

Each part is a generator. It yields its result so far after every case, so that what it has found is
kept when it is stopped. `failed` in a result has one line for each failure.

On a CPU, where the parts are rehearsed, torch functions stand for the device, and what they are
compared with is computed by the compiled kernels.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import engine
import machine
import numpy as np
import scipy.ndimage
import torch
import xarray as xr
from nofreelunch.compute import devices, fused, kernels
from nofreelunch.networks import network_stack, shapes
from nofreelunch.networks.cohorts import Cohort, Network
from nofreelunch.scoring import grid_scores
from nofreelunch.task import place_cells
from nofreelunch.task.catalogue import catalogue
from nofreelunch.task.trajectories import random_walk
from nofreelunch.training import loop, optimizers
from nofreelunch.training.checkpoints import Checkpoints
from torch import Tensor

Result = dict[str, Any]
Spec = dict[str, Any]

CPU = torch.device("cpu")
STEPS, LENGTH = 50, 8
UNITS, CELLS = 32, 48
# Largest difference of a weight after 50 steps of at most 0.002 each. Devices sum in other orders,
# which changes the seventh digit of a gradient, and the optimiser divides by a gradient's size.
# The kink of a ReLU can turn such a digit into a step.
TOLERANCE, AT_A_KINK = 1e-4, 2e-3
SCORE_TOLERANCE = 1e-6
SMALL = {
    **{"place_cell_width": 0.3, "encoder_scale": 48.0},
    **{"activation": "tanh", "batch_size": 20, "sequence_length": LENGTH, "loss_steps": 4},
    **{"learning_rate": 2e-3, "schedule": "warmup_cosine", "steps": STEPS},
}
# A second and a third network of a stack differ from the first in what a stack may mix.
BESIDE = (
    {"seed": 1, "batch_size": 13, "sequence_length": 5, "loss_steps": "all"},
    {"seed": 2, "loss_steps": 3, "weight_decay": 1e-3},
)
# Compiling takes seconds each time, and these have all that is compiled.
COMPILED = ("difference_of_softmaxes", "several fields")
LARGE = {"encoder_scale": 512.0, "steps": 3}  # of 1,024 units and 512 place cells
NETWORKS = 8  # that do not fit
MAPS = {22: 4096, 44: 1024}  # bins -> maps that are scored


def cases() -> dict[str, Spec]:
    """Specs of one network for every cell, activation, target and optimiser, by name."""
    kinds: dict[str, Spec] = {cell: {"cell": cell} for cell in shapes.cells()}
    kinds |= {name: {"activation": name} for name in network_stack.ACTIVATIONS if name != "tanh"}
    for name, facts in catalogue().items():
        keys = dict.fromkeys(facts.unused)
        if "place_cells" in keys:
            keys |= {"encoder_scale": 1.0, "learning_rate": 1e-3}
        kinds[name] = keys | {"target": name}
    kinds |= {name: {"optimizer": name} for name in optimizers.OPTIMIZERS if name != "adam"}
    kinds["several fields"] = {"fields_per_cell": {"poisson": 2}}
    kinds["dropout"] = {"dropout": {"readout": 0.2, "recurrent": 0.2}}
    kinds["all loss steps"] = {"loss_steps": "all"}
    return {name: small(**keys) for name, keys in kinds.items()}


def small(**keys: Any) -> Spec:
    """A network of the cases, with other `keys`."""
    return engine.spec(UNITS, CELLS) | SMALL | keys


def parity(where: torch.device) -> Iterator[Result]:
    """Weights after `STEPS` steps on the device and on a CPU, alone and stacked, for every case;
    on the device with the captured graph and without it; and with compiled elementwise work.
    """
    found: Result = {"tolerance": TOLERANCE, "at_a_kink": AT_A_KINK, "cases": [], "failed": []}
    pool = random_walk(500, LENGTH, seed=0)
    for name, how, specs in _stacks():
        row: Result = {"case": f"{name}, {how}"}
        try:
            with compiled_always() if how == "compiled" else nullcontext():
                row |= differences(pool, specs, where)
        except Exception as error:
            row["error"] = _line(error)
        allowed = AT_A_KINK if specs[0]["activation"] == "relu" else TOLERANCE
        if (reason := _fault(row, allowed, where)) is not None:
            found["failed"].append(f"parity of {row['case']}: {reason}")
        found["cases"].append(row)
        yield found


def _stacks() -> Iterator[tuple[str, str, list[Spec]]]:
    """Name of a case, how it is trained, and its networks."""
    for name, spec in cases().items():
        stacked = [spec, *(spec | beside for beside in BESIDE)]
        yield name, "alone", [spec]
        yield name, "stacked", stacked
        if name in COMPILED:
            yield name, "compiled", stacked


@contextmanager
def compiled_always() -> Iterator[None]:
    """Compile elementwise work of the device also for small stacks.

    RuntimeError at the end if the compiler failed.
    """

    def worthwhile(tensor: Tensor) -> bool:
        return tensor.device.type != "cpu" or kernels.library() is None  # or else for comparison

    with (
        mock.patch.object(fused, "worthwhile", worthwhile),
        mock.patch.object(place_cells, "worthwhile", worthwhile),
        mock.patch.object(fused.log, "warning") as warned,
    ):
        fused._compiled.cache_clear()
        yield
    if warned.called:
        raise RuntimeError(warned.call_args.args[0] % warned.call_args.args[1:])


def _fault(row: Result, allowed: float, where: torch.device) -> str | None:
    if "error" in row:
        return row["error"]
    if where.type == "cuda" and not row["captured"]:
        return "no graph was captured"
    for key, of in (("from_cpu", "the CPU"), ("graph_from_eager", "steps without the graph")):
        if not row[key] <= allowed:
            return f"a weight differs by {row[key]:.1e} from {of}; allowed: {allowed:.0e}"
    return None


def differences(pool: xr.Dataset, specs: list[Spec], where: torch.device) -> Result:
    """Largest differences of weights after `STEPS` steps, and whether a graph was captured."""
    with without_kernels(where):
        graph = advanced(pool, specs, where)
        with mock.patch.object(devices, "captured", lambda step, state: step):
            eager = advanced(pool, specs, where)
    on_cpu = advanced(pool, specs, CPU)
    return {
        "from_cpu": farthest(eager, on_cpu),
        "graph_from_eager": farthest(graph, eager),
        "captured": graph.replay not in (None, graph._compute),
    }


def advanced(pool: xr.Dataset, specs: list[Spec], where: torch.device) -> loop.TrainingStack:
    """The stack of these networks after `STEPS` steps."""
    stack = engine.stack(pool, specs, where.type)
    for step in range(STEPS):
        stack.advance(step)
    return stack


def farthest(one: loop.TrainingStack, other: loop.TrainingStack) -> float:
    """Largest difference between weights; NaN where one of them is not finite."""
    pairs = zip(one.networks.weights.values(), other.networks.weights.values(), strict=True)
    apart = [(_values(a) - _values(b)).abs().max() for a, b in pairs]
    return float(torch.stack(apart).max())


def _values(weight: Tensor) -> Tensor:
    return weight.detach().cpu()


@contextmanager
def without_kernels(where: torch.device) -> Iterator[None]:
    """On a CPU, compute without the compiled kernels; on a device they are not used anyway."""
    if where.type != "cpu":
        yield
        return
    with mock.patch.dict(os.environ, NOFREELUNCH_KERNELS="0"):
        kernels.library.cache_clear()
        yield
    kernels.library.cache_clear()


class _StopsAt(Checkpoints):
    """Checkpoints of a job that is asked to stop after some steps."""

    steps = STEPS // 2

    def due(self) -> bool:
        self.steps -= 1
        if self.steps == 0:
            self.stop = signal.SIGTERM
        return self.stop is not None


def resume(where: torch.device) -> Iterator[Result]:
    """Training that stops half-way and goes on from its checkpoint: the weights, bit for bit."""
    found: Result = {"cases": [], "failed": []}
    pool = random_walk(500, LENGTH, seed=0)
    torch.use_deterministic_algorithms(True, warn_only=True)
    for name in ("rnn", "gru", "lstm", "dropout", "all loss steps", "cartesian"):
        spec = cases()[name]
        cohort = Cohort("cohort", tuple(Network(spec | own) for own in ({}, *BESIDE)))
        row: Result = {"case": name}
        try:
            whole = loop.train(cohort, pool, where.type)
            with TemporaryDirectory() as folder:
                output = Path(folder) / "cohort.nc"
                try:
                    loop.train(cohort, pool, where.type, checkpoints=_StopsAt(output, 1e9, "x"))
                    row["error"] = "training did not stop"
                except SystemExit:
                    again = loop.train(
                        cohort, pool, where.type, checkpoints=Checkpoints(output, 1e9, "x")
                    )
                    row["same"] = whole.equals(again)
        except Exception as error:
            row["error"] = _line(error)
        if not row.get("same"):
            reason = row.get("error", "other weights than without the stop")
            found["failed"].append(f"resume of {name}: {reason}")
        found["cases"].append(row)
        yield found


def halves(where: torch.device) -> Iterator[Result]:
    """A cohort that does not fit the device's memory trains in halves, to the same weights.

    On a GPU, memory is limited to two thirds of what the cohort takes. On a CPU the first stack
    fails as if memory had run out.
    """
    one = engine.spec(1024, 512) | LARGE if where.type == "cuda" else small(steps=3)
    specs = [one | {"seed": seed} for seed in range(NETWORKS)]
    cohort, pool = Cohort("cohort", tuple(map(Network, specs))), engine.walks()
    whole, found = loop.train(cohort, pool, where.type), {"networks": NETWORKS, "failed": []}
    tried: list[int] = []
    step, fits = loop.TrainingStack.advance, max(NETWORKS // 2, 1)

    def advance(stack: loop.TrainingStack, number: int) -> None:
        tried.append(len(stack.specs))
        if where.type != "cuda" and len(stack.specs) > fits:
            raise torch.OutOfMemoryError("out of memory, as a rehearsal has it")
        step(stack, number)

    with mock.patch.object(loop.TrainingStack, "advance", advance), _little_memory(where):
        parts = loop.train(cohort, pool, where.type)
    found["stacks"] = sorted(set(tried), reverse=True)
    found["difference"] = max(
        float(abs(whole[name] - parts[name]).max()) for name in whole if "weight" in str(name)
    )
    if len(found["stacks"]) < 2:
        found["failed"].append("halves: the cohort was not trained in halves")
    if not found["difference"] <= AT_A_KINK:
        found["failed"].append(f"halves: weights differ by {found['difference']:.1e}")
    yield found


@contextmanager
def _little_memory(where: torch.device) -> Iterator[None]:
    """Let torch take at most two thirds of the memory of the device that it has taken so far."""
    if where.type != "cuda":
        yield
        return
    whole = torch.cuda.get_device_properties(0).total_memory
    share = 2 / 3 * torch.cuda.max_memory_reserved() / whole
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(share)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)


def scores(where: torch.device) -> Iterator[Result]:
    """Grid scores on the device against numpy: the largest difference, and both speeds."""
    found: Result = {"tolerance": SCORE_TOLERANCE, "bins": {}, "failed": []}
    device = "cuda" if where.type == "cuda" else "cpu"
    for bins, count in MAPS.items():
        random = np.random.default_rng(bins)
        maps = random.normal(size=(count, bins, bins))
        maps = scipy.ndimage.gaussian_filter(maps, (0, bins / 15, bins / 15)).clip(0)
        expected = grid_scores.grid_scores(maps).score_60.values
        apart = float(abs(grid_scores.grid_scores(maps, device=device).score_60 - expected).max())
        rates = [
            machine.timed(lambda on=on, maps=maps: grid_scores.grid_scores(maps, device=on), 1.0)
            for on in ("cpu", device)
        ]
        found["bins"][str(bins)] = {
            **{"maps": count, "difference": apart},
            **{"numpy_ms": 1e3 / rates[0] / count, "device_ms": 1e3 / rates[1] / count},
        }
        if not apart <= SCORE_TOLERANCE:
            found["failed"].append(f"scores of {bins} bins: off by {apart:.1e}")
        yield found


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
