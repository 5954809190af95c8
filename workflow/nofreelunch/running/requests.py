"""What a job asks a scheduler for: memory in MB and time in minutes, estimated from its cohort."""

from __future__ import annotations

from nofreelunch.networks.cohorts import Cohort
from nofreelunch.study.costs import training_memory

# Longest time limit, in minutes; a cluster's partition may allow less. Training that reaches its
# limit resumes from its checkpoint at the next attempt.
DAY = 24 * 60
# An estimate is multiplied by the first, because most networks train more slowly than it assumes.
# The second, in minutes, is added for start-up and slow file systems.
GENEROUS, STARTING = 4, 30
PROCESS = 2000  # MB for Python, torch and Snakemake in any job, with room to spare


def minutes(hours: float, attempt: int, longest: float = DAY) -> int:
    """Time limit of a job that is estimated to take `hours`; it doubles at each attempt."""
    return int(min(longest, round(STARTING + GENEROUS * 60 * hours) * 2 ** (attempt - 1)))


def megabytes(estimated: float, attempt: int) -> int:
    """Memory of a job that is estimated to take so many MB; it doubles at each attempt."""
    return int(estimated) * 2 ** (attempt - 1)


def cohort_megabytes(cohort: Cohort) -> int:
    """MB of a cohort's weights, states and gradients during training."""
    return training_memory([network.spec for network in cohort.networks]) // 10**6


def training_megabytes(cohort: Cohort, walks: int, device: str) -> int:
    """MB of a training job: its cohort and its pool of `walks` trajectories.

    On a GPU, CUDA's libraries take about as much again as torch.
    """
    steps = max(network["sequence_length"] for network in cohort.networks)
    pool = 4 * walks * 2 * (2 * steps + 1)
    fixed = PROCESS * (2 if device == "cuda" else 1)
    return fixed + cohort_megabytes(cohort) + 2 * pool // 10**6


def map_megabytes(cohort: Cohort, bins: int) -> int:
    """MB of a job that maps or scores a cohort, with `bins` along a side.

    It holds sums of two halves in float64, maps in float32, and the ridge regression's products of
    units with units.
    """
    units = cohort.networks[0]["units"]
    return PROCESS + len(cohort) * units * (20 * bins**2 + 32 * units) // 10**6
