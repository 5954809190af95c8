"""The bins of a rate map: how many fit along a side of the arena."""

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
