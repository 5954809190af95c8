"""Fields: as many as were put in, where they were put, and pieces that make up the map."""

import numpy as np
import pytest
import xarray as xr
from nofreelunch.scoring import firing_fields
from nofreelunch.scoring.firing_fields import count_fields, find_fields
from synthetic_maps import hexagonal_maps

pytestmark = pytest.mark.filterwarnings("error")

WIDTH = 2.4  # bins, standard deviation of the bumps
CENTRES = [(6, 6), (6, 18), (20, 8), (25, 25), (14, 28), (31, 16)]


def bumps(centres, side=32, heights=None, width=WIDTH):
    y, x = np.mgrid[:side, :side]
    heights = heights or [1.0] * len(centres)
    parts = zip(heights, centres, strict=True)
    return sum(h * np.exp(-((y - a) ** 2 + (x - b) ** 2) / (2 * width**2)) for h, (a, b) in parts)


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_finds_each_bump(noise):
    random = np.random.default_rng(0)
    heights = [1.0, 0.6, 0.8, 1.0, 0.7, 0.9]
    rates = bumps(CENTRES, heights=heights) + noise * random.standard_normal((32, 32))
    found = find_fields(rates)
    assert len(found.peaks) == len(CENTRES) == count_fields(rates)
    gap = np.hypot(*(found.peaks[:, np.newaxis] - np.array(CENTRES)).T)
    assert gap.min(axis=1).max() <= (2 if noise else 0)
    if not noise:
        np.testing.assert_array_equal(found.peaks[-1], CENTRES[1])  # the lowest comes last
        assert found.least_distance == pytest.approx(np.hypot(6, 9))


def test_close_bumps_are_one():
    """Two Gaussians have two peaks from two widths on, and a saddle well below them from three."""
    counts = [int(count_fields(bumps([(16, 10), (16, 10 + gap)]))) for gap in (3, 5, 8, 12)]
    assert counts == [1, 1, 2, 2]


def test_counts_fields_of_noisy_lattices():
    """A period of 0.6 m puts 15.5 fields into the box, and those that it cuts come on top."""
    rates, _ = hexagonal_maps(44, 0.6, 20, np.random.default_rng(1), noise=1.0, rectified=True)
    assert 15 <= count_fields(rates).mean() <= 20
    assert count_fields(rates).min() >= 13
    rates, _ = hexagonal_maps(44, 1.07, 20, np.random.default_rng(1), noise=1.0, rectified=True)
    assert count_fields(rates).mean() < firing_fields.FIELDS_OF_A_HEXAGON + 1


def test_unit_and_offset_do_not_matter():
    rates = bumps(CENTRES)
    for other in (3e6 * rates, rates - 40, np.round(1e4 * rates).astype(int)):
        np.testing.assert_array_equal(find_fields(other).peaks, find_fields(rates).peaks)


def test_pieces_and_background_make_up_the_map():
    rates = bumps(CENTRES) + 0.1 * np.random.default_rng(2).standard_normal((32, 32))
    rates[10:13, 20:22] = np.nan
    found = find_fields(rates)
    whole = np.pad(found.background, 32)
    for number, (piece, (y, x)) in enumerate(zip(found.pieces, found.peaks, strict=True)):
        reach = len(piece) // 2
        here = np.ix_(range(32 + y - reach, 33 + y + reach), range(32 + x - reach, 33 + x + reach))
        own = np.pad(found.label == number, 32)[here]
        assert own[reach, reach]
        whole[here] += np.where(own, piece, 0)
    np.testing.assert_allclose(whole[32:-32, 32:-32], rates)
    assert (found.label[np.isnan(rates)] == -1).all()


@pytest.mark.parametrize("place", [(16, 1), (30, 16), (2, 2)])
def test_cut_fields_are_made_whole(place):
    inside = find_fields(bumps([(16, 16)])).pieces[0]
    (cut,) = find_fields(bumps([place])).pieces
    reach = 4  # bins: the foot of both is further away
    middle = np.s_[len(cut) // 2 - reach : len(cut) // 2 + reach + 1]
    expected = inside[len(inside) // 2 - reach : len(inside) // 2 + reach + 1]
    expected = expected[:, len(inside) // 2 - reach : len(inside) // 2 + reach + 1]
    # The peak of the smoothed map is off by a bin at a border: a third of a width.
    np.testing.assert_allclose(cut[middle, middle], expected, atol=0.3)
    assert cut[middle, middle].min() > 0.05


def test_unvisited_bins_are_no_fields():
    rates = bumps(CENTRES)
    rates[:, 12] = np.nan
    rates[20:, :3] = np.nan
    assert count_fields(rates) == len(CENTRES)
    alone = np.full((16, 16), np.nan)
    alone[3, 4], alone[3, 5] = 1.0, 2.0
    assert count_fields(alone) == 1
    hidden = np.ma.masked_invalid(rates)
    hidden.data[:, 12] = 9.0
    np.testing.assert_array_equal(find_fields(hidden).label, find_fields(rates).label)


def test_peaks_below_the_background_are_no_fields():
    """Neither in a wide well nor behind unvisited bins."""
    rates = bumps(CENTRES) - bumps([(27, 4)], width=4)
    rates[27, 4] = 0
    assert count_fields(rates) == len(CENTRES)
    rates = bumps(CENTRES)
    rates[26:, :6], rates[25, :7], rates[25:, 6] = -5, np.nan, np.nan
    rates[29, 3] = -4
    assert count_fields(rates) == len(CENTRES)


def test_maps_without_fields():
    maps = np.stack([np.full((8, 8), 3.3), np.full((8, 8), np.nan), np.zeros((8, 8))])
    np.testing.assert_array_equal(count_fields(maps), 0)
    assert count_fields(maps[:0]).shape == (0,)
    assert find_fields(maps[0]).pieces == [] and find_fields(maps[0]).least_distance == np.inf
    with pytest.raises(ValueError, match="rate_map: found no visited bin"):
        find_fields(maps[1])


def test_labels_and_bad_maps():
    rates = xr.DataArray(
        np.stack([bumps(CENTRES[:k]) for k in (1, 2, 3)]).astype(np.float16),
        dims=("unit", "y", "x"),
        coords={"unit": [2, 3, 5]},
    )
    found = count_fields(rates)
    assert found.dims == ("unit",) and found.unit.values.tolist() == [2, 3, 5]
    assert found.values.tolist() == [1, 2, 3]
    for function in (count_fields, find_fields):
        with pytest.raises(ValueError, match="allowed: square maps"):
            function(np.ones((5, 6)))
    with pytest.raises(ValueError, match=r"rate_map: found \(2,\) maps; allowed: one \(y, x\)"):
        find_fields(np.ones((2, 5, 5)))
    with pytest.raises(ValueError, match="rate_map: found an infinite rate"):
        find_fields(np.full((5, 5), np.inf))
