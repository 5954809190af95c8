"""Squares that fill an arena: how many bins fit along a side, and where they have their centres."""

import numpy as np

from nofreelunch.errors import refused

SMALLEST_SIDE = 4  # bins; a smaller map has no rings to score


def bin_count(arena: float, bin_size: float) -> int:
    """Number of bins along a side of the arena; `arena` and `bin_size` are in m.

    Raises ValueError where whole bins do not fill the arena, or are too few to score.
    """
    bins = round(arena / bin_size) if bin_size > 0 else 0
    if bins < SMALLEST_SIDE or abs(bins * bin_size - arena) > 1e-6 * arena:
        raise refused(
            "rate_maps.bin_size",
            f"{bin_size} m",
            f"a whole fraction of the arena ({arena} m), {SMALLEST_SIDE} bins or more",
        )
    return bins


def centres(size: float, count: int) -> np.ndarray:
    """Positions (y, x, axis) of the centres of `count` x `count` squares of side `size`, m."""
    along = (np.arange(count) + 0.5) * size - count * size / 2
    return np.stack(np.meshgrid(along, along), -1)
