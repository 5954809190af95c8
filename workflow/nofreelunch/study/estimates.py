"""Estimates of what a study will take before it runs: hours of training and bytes of results."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from nofreelunch.networks.cohorts import SPACE_KEYS, Cohort
from nofreelunch.networks.shapes import weight_shapes
from nofreelunch.study import published_models
from nofreelunch.study.costs import operations, outputs, useful_share
from nofreelunch.study.plan import Plan
from nofreelunch.task.arena import bin_count

# Operations per second that training reaches: on a GPU, about half of an H100's float32 rate by its
# data sheet; on a CPU, what one core with AVX-512 reaches in benchmarks/training.py.
RATES = {"cuda": 30e12, "cpu": 0.1e12}
# Seconds of one core that mapping and scoring a unit takes per surrogate, from one run of a study:
# minutes * 60 / (networks * units * surrogates).
SECONDS_PER_SURROGATE = 22 * 60 / (82 * 128 * 400)
SECONDS_PER_TARGET = 12  # of patterns: three activations, a slow core
NUMBERS_PER_UNIT = 20  # scores, periods, p-values, ... in the scores file; approximate


def describe_plan(plan: Plan, bin_size: float, surrogates: int, device: str) -> str:
    """A study in one line: networks, cohorts, padding, hours of training and bytes of results."""
    if plan.models:
        return _describe_models(plan, surrogates, device)
    useful = sum(network["steps"] * operations(network.spec) for network in plan.networks)
    spent = sum(map(_operations, plan.cohorts.values()))
    padding = 1 - useful / spent if spent else 0.0  # networks as they are drawn train nothing
    kinds = RATES if device == "auto" else (device,)
    return (
        f"{plan.name}: {len(plan.networks):,} networks in {len(plan.cohorts):,} cohorts, "
        f"{100 * padding:.0f} % of whose arithmetic is padding; training takes about "
        f"{' or '.join(_hours(spent, kind) for kind in kinds)}; "
        f"results take up to {_size(results_size(plan, bin_size, surrogates))}"
    )


def _describe_models(plan: Plan, surrogates: int, device: str) -> str:
    """A study of published models in one line."""
    jobs = [job for model in plan.models.values() for job in model["jobs"].values()]
    specs = [spec for job in jobs for spec in job["networks"]]
    spent = sum(map(published_models.operations, specs))
    kinds = RATES if device == "auto" else (device,)
    budget = next(iter(plan.models.values()))["budget"]
    bins = bin_count(plan.trajectories["arena"], published_models.BIN_SIZE)
    per_unit = bins**2 + surrogates + NUMBERS_PER_UNIT
    numbers = sum(spec["units"] * per_unit + published_models.weights(spec) for spec in specs)
    walks = {repr(w): w for job in jobs for w in job["walks"].values()}.values()
    numbers += sum(w["count"] * 2 * (2 * w["steps"] + 1) for w in walks)
    return (
        f"{plan.name}: {len(plan.models)} models at the budget of {budget}, {len(specs)} networks "
        f"in {len(jobs)} jobs; training takes about "
        f"{' or '.join(_hours(spent, kind) for kind in kinds)}; "
        f"results take up to {_size(4.0 * numbers)}"
    )


def hours_of_training(cohort: Cohort, device: str) -> float:
    """Hours that training a cohort takes, with padding; the device "auto" counts as a CPU."""
    return _operations(cohort) / RATES["cuda" if device == "cuda" else "cpu"] / 3600


def hours_of_job(job: Mapping[str, Any], device: str) -> float:
    """As `hours_of_training`, of a job of a published model."""
    spent = sum(map(published_models.operations, job["networks"]))
    return spent / RATES["cuda" if device == "cuda" else "cpu"] / 3600


def hours_of_scoring(units: int, surrogates: int) -> float:
    """Hours of one core that mapping and scoring `units` units takes."""
    return units * max(surrogates, 100) * SECONDS_PER_SURROGATE / 3600


def hours_of_patterns(targets: int) -> float:
    """Hours of one core that growing and scoring the patterns of `targets` targets takes."""
    return targets * SECONDS_PER_TARGET / 3600


def _operations(cohort: Cohort) -> float:
    """Floating-point operations of training a cohort, with padding."""
    specs = [network.spec for network in cohort.networks]
    return sum(spec["steps"] * operations(spec) for spec in specs) / useful_share(specs)


def _hours(operations: float, kind: str) -> str:
    hours = operations / RATES[kind] / 3600
    digits = max(0, 1 - math.floor(math.log10(max(hours, 0.01))))
    unit = {"cuda": "GPU", "cpu": "core"}[kind]
    return f"{hours:,.{digits}f} {unit}-hours (at {RATES[kind] / 1e12:g} TFLOP/s)"


def results_size(plan: Plan, bin_size: float, surrogates: int) -> float:
    """Bytes of all results of a study, before compression."""
    arena = plan.trajectories["arena"]
    total = 0
    for network in plan.networks:
        spec = network.spec
        bins = bin_count(spec.get("arena", arena), bin_size)
        layout = weight_shapes(spec["cell"], spec["units"], outputs(spec))
        total += sum(rows * columns for rows, columns in layout.values())
        total += spec["units"] * (bins**2 + surrogates + NUMBERS_PER_UNIT)
    walks = plan.trajectories["training"]["count"]
    spaces = [tuple(n.spec.get(key) for key in SPACE_KEYS) for n in plan.networks]
    lengths = [n["sequence_length"] for n in plan.networks]
    pools = {*zip(spaces, lengths, strict=True)}
    total += sum(walks * 2 * (2 * length + 1) for _, length in pools)
    evaluation = plan.trajectories["evaluation"]
    total += len({*spaces}) * evaluation["count"] * 2 * (2 * evaluation["steps"] + 1)
    return 4.0 * total


def _size(count: float) -> str:
    units = ("MB", "GB", "TB")
    power = 0 if count < 1e9 else 1 if count < 1e12 else 2
    return f"{count / 1e6 / 1000**power:.{1 if power else 0}f} {units[power]}"
