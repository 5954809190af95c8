"""How many bins a rate map has; known before anything is trained."""

SMALLEST_SIDE = 4  # bins; a smaller map has no rings to score


def bin_count(arena: float, bin_size: float) -> int:
    """Number of bins along a side of the arena (both in m).

    Raises ValueError where bins do not fill the arena or are too few to score.
    """
    bins = round(arena / bin_size) if bin_size > 0 else 0
    if bins < SMALLEST_SIDE or abs(bins * bin_size - arena) > 1e-6 * arena:
        raise ValueError(
            f"rate_maps.bin_size: found {bin_size} m, allowed: a whole fraction of the arena "
            f"({arena} m), {SMALLEST_SIDE} bins or more"
        )
    return bins
