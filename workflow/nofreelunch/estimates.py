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
NUMBERS_PER_UNIT = 20  # scores, periods, p-values ... of the scores file, about


def describe(
    study: Study, cohorts: Sequence[Cohort], bin_size: float, surrogates: int, device: str
) -> str:
    """One line: networks, cohorts, padding, hours of training and bytes of results."""
    spent = useful = 0.0
    for cohort in cohorts:
        specs = [network.spec for network in cohort.networks]
        own = sum(spec["steps"] * operations(spec) for spec in specs)
        useful += own
        spent += own / useful_share(specs)
    kinds = RATES if device == "auto" else (device,)
    return (
        f"{study.name}: {len(study.networks):,} networks in {len(cohorts):,} cohorts, "
        f"{100 * (1 - useful / spent):.0f} % of whose arithmetic is padding; training takes about "
        f"{' or '.join(_hours(spent, kind) for kind in kinds)}; "
        f"results take up to {_size(size(study, bin_size, surrogates))}"
    )


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
