"""Bins of a rate map, checked before anything is trained."""

import pytest
from nofreelunch.task.arena import bin_count


@pytest.mark.parametrize(
    ("arena", "size", "bins"),
    [(2.2, 0.05, 44), (2.2, 0.11, 20), (2.2, 0.06875, 32), (1.1, 0.1, 11)],
)
def test_bins_fill_the_arena(arena, size, bins):
    assert bin_count(arena, size) == bins


@pytest.mark.parametrize("size", [0.06, 0.3, 1.1, 0.0, -0.05])
def test_other_sizes_are_refused(size):
    with pytest.raises(ValueError, match=r"rate_maps\.bin_size: found .* allowed: a whole"):
        bin_count(2.2, size)
