"""The record of a correction, and its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nofreelunch.findings import intervals

SEED = 0
WIDTH = 0.12  # m; place-cell width of the talks' main target
STEPS = 50  # of a walk on which the talks evaluate
EXACT = "exact"


class Number(NamedTuple):
    """A labelled number.

    Attributes:
        label: what it is.
        value: NaN if it is not known.
        unit: printed after it; may be empty.
        basis: "exact", or what was drawn at random, such as "8 draws of centres".
        low, high: its 95 % interval; NaN for an exact number.
        decimals: how many are printed.
    """

    label: str
    value: float
    unit: str
    basis: str = EXACT
    low: float = float("nan")
    high: float = float("nan")
    decimals: int = 1

    @property
    def text(self) -> str:
        """The number with its unit, such as "13.2 cm"."""
        space = " " if self.unit else ""
        return f"{self._rounded(self.value)}{space}{self.unit}"

    @property
    def interval(self) -> str:
        """The interval, such as "13.1 to 13.4"; empty for an exact number."""
        if not np.isfinite([self.low, self.high]).all():
            return ""
        return f"{self._rounded(self.low)} to {self._rounded(self.high)}"

    def _rounded(self, value: float) -> str:
        """A proper minus sign, but none before zero; 99.99 % is more than 99.9 %, and not all."""
        rounded = round(value, self.decimals)
        if self.unit == "%" and value < 100 <= rounded:
            return f"> {100 - 10**-self.decimals:.{self.decimals}f}"
        return f"{rounded + 0.0:,.{self.decimals}f}".replace("-", "−")


@dataclass(frozen=True)
class Correction:
    """One correction.

    Attributes:
        title: what it is about.
        said: what the original says, in a sentence.
        holds: what holds instead.
        here: what this project does about it.
        numbers: what was computed.
    """

    title: str
    said: str
    holds: str
    here: str
    numbers: tuple[Number, ...]


def mean_of(label: str, values: ArrayLike, unit: str, basis: str, decimals: int = 1) -> Number:
    """The mean of one value per draw, with Student's interval."""
    mean, low, high = (float(bound) for bound in intervals.seed_interval(values))
    return Number(label, mean, unit, basis, low, high, decimals)


def share_of(label: str, those: ArrayLike, basis: str, decimals: int = 1) -> Number:
    """The share, in %, of draws in which `those` is true, with Wilson's interval."""
    those = np.asarray(those, bool)
    low, high = intervals.wilson(int(those.sum()), those.size)
    return Number(
        label, 100 * float(those.mean()), "%", basis, 100 * float(low), 100 * float(high), decimals
    )


def listed(texts: Sequence[str]) -> str:
    """Texts in a sentence: "a, b and c"."""
    *first, last = texts
    return f"{', '.join(first)} and {last}" if first else last
