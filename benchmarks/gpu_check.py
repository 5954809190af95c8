"""One run that shows what a GPU does: `python benchmarks/gpu_check.py --out DIR`, or `make gpu`.

Each part runs in a process of its own, within its own time, and keeps what it has found in a JSON
file of its name in DIR after every case. Parts that were stopped thus lose nothing. `--record DIR`
puts the numbers of an earlier run into the tables of this folder, on any machine.

`--files` lists what the run needs besides torch and numpy: the files of this repository, with their
size, and the command that fetches the other libraries. Leave out those that the machine has.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gpu
import gpu_proofs
import gpu_questions
import machine
import tables
import torch

ROOT = Path(__file__).parents[1]
WRITERS = ("netCDF4",)  # libraries that are imported only to write
THERE = ("nofreelunch", "torch", "numpy", "setuptools")  # libraries that need not be fetched
MEGA = 1e6

log = logging.getLogger("benchmarks")


def speed(where: torch.device, small: bool) -> Iterator[dict[str, Any]]:
    """What `gpu.measurements` yields; of a few tiny networks in a rehearsal."""
    few = {"units": 8, "cells": 8, "cohorts": (1, 2), "repeats": 1, "seconds": 0.01}
    few |= {"precisions": ("float32", "bfloat16")}
    for result in gpu.measurements(where, **(few if small else {})):
        yield result | {"failed": []}


# For each part: what it does with (device, folder, seconds, small), and its time in seconds.
PARTS: dict[str, tuple[Callable[..., Iterator[dict[str, Any]]], float]] = {
    "parity": (lambda where, folder, seconds, small: gpu_proofs.parity(where), 120),
    "resume": (lambda where, folder, seconds, small: gpu_proofs.resume(where), 40),
    "halves": (lambda where, folder, seconds, small: gpu_proofs.halves(where), 40),
    "scores": (lambda where, folder, seconds, small: gpu_proofs.scores(where), 40),
    "speed": (lambda where, folder, seconds, small: speed(where, small), 150),
    "precision": (gpu_questions.precision, 80),
    "talk": (gpu_questions.talk, 300),
}
DEFAULT = tuple(name for name in PARTS if name != "talk")  # at most eight minutes


def main() -> None:
    """Run the parts that the command line names, or one of them, or record, or list files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="folder for the JSON files of the parts")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=DEFAULT)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--seconds", type=float, help="time of each part, instead of its own")
    parser.add_argument("--small", action="store_true", help="a rehearsal with tiny networks")
    parser.add_argument("--record", type=Path, metavar="DIR", help="put an earlier run into tables")
    parser.add_argument("--files", action="store_true", help="list what the run needs")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if asked.files:
        return list_files()
    if asked.record:
        return record(asked.record)
    if not asked.out:
        parser.error("--out: no folder; allowed: --out DIR, --record DIR or --files")
    if asked.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device: found 'cuda', but torch sees no CUDA device; allowed: cpu")
    asked.out.mkdir(parents=True, exist_ok=True)
    if asked.alone:
        return run_part(asked)
    failures = [line for name in asked.parts for line in supervised(name, asked)]
    log.info("first failure: %s", failures[0]) if failures else log.info("all parts passed")
    sys.exit(bool(failures))


def supervised(name: str, asked: argparse.Namespace) -> list[str]:
    """Run one part in a process of its own, within its time; returns its failures."""
    path, seconds = asked.out / f"{name}.json", asked.seconds or PARTS[name][1]
    path.unlink(missing_ok=True)
    command = [sys.executable, __file__, "--alone", "--parts", name, "--out", str(asked.out)]
    command += ["--device", asked.device, "--seconds", str(seconds), *["--small"] * asked.small]
    start, failures = time.monotonic(), []
    try:
        ended = subprocess.run(command, timeout=seconds, check=False)
        if ended.returncode:
            failures.append(f"{name}: its process ended with {ended.returncode}")
    except subprocess.TimeoutExpired:
        kept = "what it had found is kept" if path.exists() else "before its first case"
        failures.append(f"{name}: stopped after {seconds:.0f} s, {kept}")
    if path.exists():
        failures = json.loads(path.read_text())["failed"] + failures
    elif not failures:
        failures.append(f"{name}: wrote nothing")
    said = failures[0] if failures else f"{name}: passed"
    log.info("%s, %.0f s", said, time.monotonic() - start)
    return failures


def run_part(asked: argparse.Namespace) -> None:
    """Run one part in this process, and write its result so far after every case."""
    (name,) = asked.parts
    path = asked.out / f"{name}.json"
    about = {"hardware": machine.hardware(), **machine.conditions(), "small": asked.small}
    where = torch.device(asked.device)
    if asked.small:
        torch.set_num_threads(1)  # threads that share products this small wait for each other
    for result in PARTS[name][0](where, asked.out, asked.seconds, asked.small):
        part = path.with_suffix(".part")
        part.write_text(json.dumps(about | result, indent=1) + "\n")
        part.replace(path)


def record(folder: Path) -> None:
    """Put the results of an earlier run into the tables. Rehearsals are refused."""
    paths = {name: folder / f"{name}.json" for name in PARTS}
    found = {name: json.loads(path.read_text()) for name, path in paths.items() if path.exists()}
    if not found:
        raise SystemExit(f"--record: {folder} has no results; allowed: the --out of an earlier run")
    if any(result["small"] for result in found.values()):
        raise SystemExit(f"--record: {folder} has a rehearsal; allowed: a run without --small")
    first = next(iter(found.values()))
    conditions, hardware = {k: first[k] for k in ("date", "load", "versions")}, first["hardware"]
    if "speed" in found:
        tables.keep(hardware, "gpu", found.pop("speed"))
    if found:
        tables.keep(hardware, "gpu_checks", conditions | {"parts": found})


def list_files() -> None:
    """Print the files that the run needs, their size, and how to fetch the libraries."""
    listed = subprocess.run(
        ["git", "ls-files", "benchmarks", "workflow", "pyproject.toml", "config.yaml"],
        **{"cwd": ROOT, "check": True, "capture_output": True, "text": True},
    ).stdout.split("\n")
    files = [ROOT / name for name in listed if name]
    for path in files:
        log.info("%8d %s", path.stat().st_size, path.relative_to(ROOT))
    size = sum(path.stat().st_size for path in files)
    log.info("%d files, %.1f MB", len(files), size / MEGA)
    log.info("python -m pip download --no-deps --dest wheels %s", " ".join(libraries()))


def libraries() -> list[str]:
    """Libraries that this program has imported or may import, with the versions that are here."""
    of_module = importlib.metadata.packages_distributions()
    imported = {name.partition(".")[0] for name in sys.modules}
    used = {library for name in imported for library in of_module.get(name, ())}
    wanted = sorted({*used, *WRITERS} - {*THERE})
    return [f"{name}=={importlib.metadata.version(name)}" for name in wanted]


if __name__ == "__main__":
    main()
