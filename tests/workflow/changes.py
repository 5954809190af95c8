"""Changes of a checkout and its results, and what Snakemake says to them."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import netCDF4
from checkouts import DRAWN, STUDY, Checkout, copy_checkout, shorten
from nofreelunch.study import sweeps

LIBRARY = "workflow/nofreelunch"
# File, what is there, and what is written instead, of which no result depends.
NO_CHANGE = [
    # comment
    (
        f"{LIBRARY}/training/training_stack.py",
        "CURVE_TRAJECTORIES",
        "# a comment\nCURVE_TRAJECTORIES",
    ),
    # comment in C
    (f"{LIBRARY}/compute/kernels.c", "/* exp(x)", "/* The exponential, exp(x)"),
    # docstring
    (f"{LIBRARY}/networks/network_stack.py", '"""', '"""Changed. '),
    # progress line
    (f"{LIBRARY}/training/progress.py", "position error", "error of position"),
    # memory estimate
    (f"{LIBRARY}/study/costs.py", "return 4 * len(specs)", "return 5 * len(specs)"),
    # notice
    (
        f"{LIBRARY}/running/notices.py",
        "that alone runs nothing again",
        "this alone makes nothing run again",
    ),
    # error message
    (
        f"{LIBRARY}/training/loop.py",
        '"no networks", "one or more"',
        '"none", "at least one network"',
    ),
    # line in the log
    (f"{LIBRARY}/training/loop.py", "training it in halves", "training one half after the other"),
    # optimiser and gate that the study does not use
    (
        f"{LIBRARY}/training/optimizers.py",
        'r("adagrad", keep_mean=0.0',
        'r("adagrad", keep_mean=0.5',
    ),
    (
        f"{LIBRARY}/networks/cells.py",
        "FORGET_BIAS)\n    return gate",
        "FORGET_BIAS)\n    return +gate",
    ),
]

# Snakefiles that print what the workflow has, for `told`.
ASKED = """
include: "Snakefile"

for path in flatten(rules.all.input):
    print("ASKED", path)
"""
PARAMETERS = """
import json
from types import SimpleNamespace

include: "Snakefile"

one = SimpleNamespace(
    length="20", arena="", cohort=[*cohorts][0], encoding=[*plan.targets][0], figure="overview"
)
for rule in workflow.rules:
    if rule.params:
        print("PARAMETERS", rule.name, json.dumps(rule.params.run(one)))
"""


@contextmanager
def edited(checkout: Checkout, *edits: tuple[str, str, str]) -> Iterator[None]:
    """Files edited, each given as (name, old text, new text), until the block ends."""
    before = {}
    try:
        for name, old, new in edits:
            path = checkout.path(name)
            text = path.read_text()
            before.setdefault(path, text)
            assert old in text, f"{path} no longer contains {old!r}"
            path.write_text(text.replace(old, new, 1))
        yield
    finally:
        for path, text in before.items():
            path.write_text(text)


def cohorts(checkout: Checkout) -> list[str]:
    """The names of the cohorts of the study as a checkout has it."""
    return [cohort.name for cohort in sweeps.load_study(checkout.path(STUDY)).cohorts]


def trained(said: str) -> list[str]:
    """The cohorts that a dry run would train."""
    return sorted(re.findall(r": Training (\S+)$", said, re.M))


def refused(checkout: Checkout, *edits: tuple[str, str, str]) -> str:
    """What Snakemake says where it refuses an edited study: no traceback, and no job."""
    with edited(checkout, *edits):
        done = checkout.snakemake("--cores", "1", "--forceall")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert not re.search(r"^(Job \d+:|(local)?rule )", done.stdout + done.stderr, re.M)
    return done.stderr.strip()


def told(checkout: Checkout, snakefile: str) -> str:
    """What a dry run of a Snakefile of one's own prints, which includes the one of the checkout."""
    path = checkout.path("told.smk")
    path.write_text(snakefile)
    try:
        return checkout.dry_run("--snakefile", path.name)
    finally:
        path.unlink()


def move(finished: Checkout, folder: Path, times: bool = True, records: bool = True) -> Checkout:
    """A checkout in `folder` with the results of a finished study, its file times and records."""
    made = copy_checkout(folder)
    shutil.copy2(finished.path(STUDY), made.folder)
    shorten(made, *DRAWN)
    copy = shutil.copy2 if times else shutil.copyfile
    parts = ["results", *([".snakemake/metadata"] if records else [])]
    for part in parts:
        shutil.copytree(finished.path(part), made.path(part), copy_function=copy)
    if not times:  # as in a folder whose names come in another order
        os.utime(made.results("trajectories/training_20.nc"))
    return made


@contextmanager
def attribute(path, name: str, value) -> Iterator[None]:
    """A netCDF file with another attribute, and the same file time, until the block ends."""
    whole, when = path.read_bytes(), path.stat().st_mtime_ns
    with netCDF4.Dataset(path, "a") as file:
        file.setncattr(name, value)
    os.utime(path, ns=(when, when))
    try:
        yield
    finally:
        path.write_bytes(whole)
        os.utime(path, ns=(when, when))
