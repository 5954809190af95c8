"""Corrections of what is counted: copies of a run, three seeds, the tensor that decays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from nofreelunch.errors import refused
from nofreelunch.findings import intervals, talks
from nofreelunch.findings.corrections.records import (
    SEED,
    Correction,
    Number,
    listed,
    mean_of,
    share_of,
)
from nofreelunch.seeds import CORRECTIONS, generator

COPIES = 4  # settings of a dropout that drops nothing
SEEDS = 3
RESAMPLES = 1000  # of a bootstrap, as in the plotting library of the talks
TAILS = (0.025, 0.975)

# The second tensor of a recurrent layer is the one whose squares are added to the loss.
PUBLISHED_TENSORS = {
    "rnn": ("input", "recurrent"),
    "lstm": ("input", "recurrent", "bias"),
    "gru": ("input", "recurrent", "bias"),
    "ugrnn": ("input and recurrent", "bias"),
}
DECAYED = 1  # its index, from 0


def copies_as_networks(networks: int = 24, draws: int = 4000) -> Correction:
    """Width and coverage of an interval that counts copies of a run as networks.

    Networks are drawn from a normal distribution of known spread; each is counted `COPIES` times.
    The copies are equal, or differ as much as the authors' runs of one setting do.

    Args:
        networks: distinct networks, 2 or more.
        draws: simulated studies.
    """
    random = generator(SEED, CORRECTIONS, 3)
    basis = f"{draws:,} simulated studies"
    numbers = []
    for name, alike in (("equal copies", 1.0), ("copies as alike as measured", talks.COPIES_ALIKE)):
        own = random.normal(0, math.sqrt(alike), (draws, networks, 1))
        values = own + random.normal(0, math.sqrt(1 - alike), (draws, networks, COPIES))
        _, low, high = intervals.seed_interval(values.reshape(draws, -1))
        _, true_low, true_high = intervals.seed_interval(values.mean(axis=-1))
        factor = (high - low).mean() / (true_high - true_low).mean()
        numbers += [
            Number(
                f"{name}: width of the interval over its due width",
                float(factor),
                "",
                basis,
                decimals=2,
            ),
            share_of(f"{name}: coverage of a 95 % interval", (low < 0) & (high > 0), basis),
            share_of(
                f"{name}: the same, networks counted once", (true_low < 0) & (true_high > 0), basis
            ),
            Number(
                f"{name}: the {talks.COPIED_RUNS} Gaussian runs count as",
                effective_count(talks.COPIED_RUNS, talks.DISTINCT_RUNS, alike),
                "networks",
                decimals=0,
            ),
        ]
    factor, coverage, *_, count = numbers
    tables = f"the authors' tables of {talks.COPIED_RUNS} runs"
    within = Number("losses of copies: spread", talks.LOSS_WITHIN, "nats", tables, decimals=5)
    between = Number("losses of settings: spread", talks.LOSS_BETWEEN, "nats", tables, decimals=2)
    return Correction(
        "Copies counted as networks",
        f"The NeurIPS talk analyses {talks.SHARES_OF_ALL[0]:,} networks, with dropout as one of "
        "the axes of its sweeps.",
        "The program never switches dropout on, so up to four runs are copies of one network: the "
        f"authors' own losses agree to {within.text} where settings differ by {between.text}. "
        f"Four copies of each of {networks} networks, counted as {COPIES * networks}, make an "
        f"interval {factor.text} times as wide as is due: called 95 %, it covers the truth in "
        f"{coverage.text}. The {talks.COPIED_RUNS} runs with Gaussian targets, whose highest "
        f"scores correlate at {talks.COPIES_ALIKE:g} between copies, are worth {count.text}.",
        "Dropout drops, every network is distinct, and intervals count networks.",
        (within, between, *numbers),
    )


def decayed_tensor(
    trained: Sequence[Mapping[str, np.ndarray]], units: int = 1024, training: str = ""
) -> Correction:
    """Share of the squared recurrent weights that weight decay acts on in the talks' UGRNN.

    Args:
        trained: weights by name of trained UGRNNs, one mapping for each network, with at least
            `recurrent` and `bias`.
        units: size of the networks whose numbers are counted.
        training: what the networks were trained on, in words.
    """
    shares = []
    for weights in trained:
        decayed, due = (
            np.square(weights[name], dtype=float).sum() for name in ("bias", "recurrent")
        )
        shares.append(100 * decayed / due)
    bias, kernel = 2 * units, 2 * units**2
    numbers = (
        Number(f"numbers in the bias of a UGRNN of {units:,} units", bias, "", decimals=0),
        Number("numbers in its recurrent kernel", kernel, "", decimals=0),
        mean_of(
            "squared bias over squared recurrent kernel, after training",
            *(shares, "%", f"{len(shares)} networks{training}"),
        ),
    )
    order = "; ".join(
        f"{cell.upper()}: {tensors[DECAYED]}" for cell, tensors in PUBLISHED_TENSORS.items()
    )
    return Correction(
        "Weight decay on a bias",
        "The talks' sweeps vary the decay of the recurrent weights of every cell.",
        f"The program decays the second tensor of the recurrent layer ({order}). A UGRNN keeps "
        "both its kernels in the first, so its recurrent weights never decay. Its bias does, which "
        f"starts at zero and has {numbers[0].text} numbers to {numbers[1].text} in the recurrent "
        f"kernel. Its squares are {numbers[2].text} of the kernel's in small trained networks.",
        "Every cell decays its recurrent kernel.",
        numbers,
    )


def three_seeds(draws: int = 2000) -> Correction:
    """Coverage of a bootstrap of three networks, and how often chance makes a sharp peak.

    Args:
        draws: simulated studies.
    """
    random = generator(SEED, CORRECTIONS, 11)
    basis = f"{draws:,} simulated studies"
    numbers = []
    for name, values in (
        ("normal", random.normal(0, 1, (draws, SEEDS))),
        ("exponential", random.exponential(1, (draws, SEEDS)) - 1),
    ):
        _, low, high = intervals.seed_interval(values)
        for kind, bounds in (
            ("percentile bootstrap", bootstrap_interval(values, random)),
            ("Student's interval", (low, high)),
        ):
            label = f"{name} values: coverage of a 95 % {kind} of {SEEDS}"
            numbers.append(share_of(label, (bounds[0] <= 0) & (bounds[1] >= 0), basis))
    best = Number(
        f"best of {SEEDS} above the mean, in standard deviations",
        1.5 / math.sqrt(math.pi),
        "",
        decimals=2,
    )
    lucky, networks = len(talks.PEAK_WIDTHS), SEEDS * len(talks.WIDTHS)
    drawn = random.random((draws, len(talks.WIDTHS), SEEDS))
    has = drawn.min(axis=-1) < lucky / networks
    peaks = has[:, 1:-1] & ~has[:, :-2] & ~has[:, 2:]
    peak = share_of(
        f"studies with such a network between widths that have none, if {lucky} of {networks} "
        "networks are such, whatever the width",
        peaks.any(axis=1),
        basis,
    )
    widths = listed([f"{100 * width:g}" for width in talks.PEAK_WIDTHS])
    return Correction(
        "Error bars from three seeds",
        f"Slide 8 of the workshop talk has peaks of units above 1.15 at widths of {widths} cm, "
        f"with at most {SEEDS} seeds at each width and bootstrap intervals.",
        "A bootstrap of three networks reaches from the lowest to the highest: called 95 %, it "
        f"covers the truth in {numbers[0].text}. The best of three is {best.text} standard "
        "deviations above the mean by chance alone. Each peak rests on one network of three. Were "
        f"such networks spread over all widths by chance, {peak.text} of studies would have a "
        "peak as sharp.",
        "Intervals are Student's over networks; the study `corrected` has ten seeds of each "
        "configuration.",
        (*numbers, best, peak),
    )


def effective_count(runs: int, distinct: int, alike: float) -> float:
    """Independent networks that `runs` runs are worth (Kish 1965): runs / (1 + (m - 1) rho).

    Args:
        runs: runs counted.
        distinct: settings among them that differ, so that m = runs / distinct.
        alike: rho, the intraclass correlation of runs of one setting.
    """
    if not 0 < distinct <= runs:
        raise refused("distinct", f"{distinct}", f"1 to {runs}, the number of runs")
    if not 0 <= alike <= 1:
        raise refused("alike", f"{alike}", "a correlation of 0 to 1")
    return runs / (1 + (runs / distinct - 1) * alike)


def bootstrap_interval(
    values: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """95 % percentile bootstrap of the mean of `values` (study, network): (low, high)."""
    studies, networks = values.shape
    redrawn = random.integers(networks, size=(studies, RESAMPLES, networks))
    means = np.take_along_axis(values[:, None], redrawn, axis=-1).mean(axis=-1)
    low, high = np.quantile(means, TAILS, axis=-1)
    return low, high
