"""What a study will take, before any of it runs: arithmetic, hours and bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nofreelunch.binning import bin_count
from nofreelunch.cohorts import Cohort
from nofreelunch.costs import operations, outputs, shapes, useful_share
from nofreelunch.study import Study

# What training reaches, operations per second: about half the float32 matrix rate of one H100 or
# H200, by its data sheet, and what one core with AVX-512 was measured to reach.
RATES = {"cuda": 30e12, "cpu": 0.1e12}
# Seconds that mapping and scoring a unit took per surrogate of its limit: 82 networks of 128 units
# with 400 of them in 22 minutes of one core.
SECONDS_PER_SURROGATE = 22 * 60 / (82 * 128 * 400)
NUMBERS_PER_UNIT = 20  # scores, periods, p-values ... of the scores file, about


def describe(
    study: Study, cohorts: Sequence[Cohort], bin_size: float, surrogates: int, device: str
) -> str:
    """One line: networks, cohorts, padding, hours of training and bytes of results."""
    useful = sum(network["steps"] * operations(network.spec) for network in study.networks)
    spent = sum(map(_operations, cohorts))
    kinds = RATES if device == "auto" else (device,)
    return (
        f"{study.name}: {len(study.networks):,} networks in {len(cohorts):,} cohorts, "
        f"{100 * (1 - useful / spent):.0f} % of whose arithmetic is padding; training takes about "
        f"{' or '.join(_hours(spent, kind) for kind in kinds)}; "
        f"results take up to {_size(size(study, bin_size, surrogates))}"
    )


def hours_of_training(cohort: Cohort, device: str) -> float:
    """Hours that training a cohort takes, padding included; "auto" is taken for a CPU."""
    return _operations(cohort) / RATES["cuda" if device == "cuda" else "cpu"] / 3600


def hours_of_scoring(units: int, surrogates: int) -> float:
    """Hours that mapping and scoring this many units takes on one core."""
    return units * max(surrogates, 100) * SECONDS_PER_SURROGATE / 3600


def _operations(cohort: Cohort) -> float:
    """Floating-point operations of training a cohort, padding included."""
    specs = [network.spec for network in cohort.networks]
    return sum(spec["steps"] * operations(spec) for spec in specs) / useful_share(specs)


def _hours(operations: float, kind: str) -> str:
    hours = operations / RATES[kind] / 3600
    digits = max(0, 1 - math.floor(math.log10(max(hours, 0.01))))
    unit = {"cuda": "GPU", "cpu": "core"}[kind]
    return f"{hours:,.{digits}f} {unit}-hours (at {RATES[kind] / 1e12:g} TFLOP/s)"


def size(study: Study, bin_size: float, surrogates: int) -> float:
    """Bytes of all results before compression."""
    bins = bin_count(study.trajectories["arena"], bin_size)
    total = 0
    for network in study.networks:
        spec = network.spec
        layout = shapes(spec["cell"], spec["units"], outputs(spec))
        total += sum(rows * columns for rows, columns in layout.values())
        total += spec["units"] * (bins**2 + surrogates + NUMBERS_PER_UNIT)
    walks = study.trajectories["training"]["count"]
    lengths = {network["sequence_length"] for network in study.networks}
    total += sum(walks * 2 * (2 * length + 1) for length in lengths)
    evaluation = study.trajectories["evaluation"]
    total += evaluation["count"] * 2 * (2 * evaluation["steps"] + 1)
    return 4.0 * total


def _size(count: float) -> str:
    units = ("MB", "GB", "TB")
    power = 0 if count < 1e9 else 1 if count < 1e12 else 2
    return f"{count / 1e6 / 1000**power:.{1 if power else 0}f} {units[power]}"
