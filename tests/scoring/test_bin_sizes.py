"""The side of a bin: what files and coordinates say about it is heeded, or refused in one line."""

import nofreelunch as nfl
import numpy as np
import pytest
import xarray as xr
from nofreelunch.scoring.bin_sizes import bin_size_of_file, check_bin_size
from synthetic_maps import hexagonal_maps

SIDE = 20


def maps(step, unit=None, other=None):
    """Maps whose coordinates have these steps, and a unit."""
    axes = {"y": other or step, "x": step}
    coords = {
        axis: (axis, size * np.arange(SIDE), {} if unit is None else {"units": unit})
        for axis, size in axes.items()
    }
    return xr.DataArray(np.zeros((2, SIDE, SIDE)), dims=("cell", "y", "x"), coords=coords)


@pytest.mark.parametrize(
    ("step", "unit", "stated", "stated_unit", "metres"),
    [
        (2.5, "cm", 2.5, None, 0.025),  # one number, so the unit of the coordinates
        (2.5, "cm", 0.025, None, 0.025),
        (2.5, "cm", 25, "mm", 0.025),
        (2.5, "cm", None, None, 0.025),
        (25.0, "millimetres", None, None, 0.025),
        (0.025, "Meters", 0.025, None, 0.025),
        (2.5, None, 0.025, None, 0.025),  # coordinates that can only be centimetres
        (1.0, None, 0.025, None, 0.025),  # numbers of bins
        (1.0, "bins", 0.025, None, 0.025),
        (0.025, None, 0.025, None, 0.025),
        (-0.025, "m", 0.025, None, 0.025),  # y from top to bottom
        (1.0, None, None, None, None),
        (2.0, "m", None, None, 2.0),  # bats in a tunnel
        (2.0, "m", 2.0, "m", 2.0),
    ],
)
def test_what_is_stated_is_heeded(step, unit, stated, stated_unit, metres):
    found = bin_size_of_file(maps(step, unit), stated, stated_unit, "file: bin_size")
    assert found == (None if metres is None else pytest.approx(metres))


@pytest.mark.parametrize(
    ("step", "unit", "stated", "stated_unit", "said"),
    [
        (2.5, "cm", 0.05, None, "found 0.05 m, and steps of 2.5 cm along the coordinates; allow"),
        (2.5, None, 0.05, None, "and steps of 2.5 of no unit along the coordinates; allowed: 2.5"),
        (2.0, None, 0.6096, None, "coordinates; allowed: 2 or 0.02 or 0.002 m"),  # no feet
        (2.5, None, 2.5, None, "found 2.5; allowed: below 1 (m) where no unit is stated"),
        (1.0, None, 2.5, None, "found 2.5; allowed: below 1 (m) where no unit is stated"),
        (2.5, "cm", 2.5, "furlong", "found 'furlong'; allowed: m, cm, mm"),
        (2.5, "cm", "wide", None, "found 'wide'; allowed: one number"),
        (2.5, "cm", -2.5, None, "allowed: a positive number of metres"),
    ],
)
def test_contradictions_are_refused_in_one_line(step, unit, stated, stated_unit, said):
    with pytest.raises(ValueError) as error:
        bin_size_of_file(maps(step, unit), stated, stated_unit, "file: bin_size")
    assert said in str(error.value) and "\n" not in str(error.value)


def test_oblong_bins_are_refused():
    with pytest.raises(ValueError, match=r"found bins of 5 cm by 2\.5 cm; allowed: square bins"):
        check_bin_size(maps(2.5, "cm", 5.0), 0.025)


@pytest.mark.parametrize(
    "coordinate", [np.arange(SIDE) ** 2.0, np.array(list("abcdefghijklmnopqrst")), [np.nan] * SIDE]
)
def test_coordinates_that_are_no_steps_do_not_count(coordinate):
    assert check_bin_size(maps(1.0).assign_coords(x=coordinate, y=coordinate), 0.05) == 0.05


def test_the_scorer_sees_a_bin_size_in_centimetres():
    """Its periods would be a hundred times too long."""
    rates, _ = hexagonal_maps(SIDE, 0.7, 1, np.random.default_rng(0))
    there = maps(11, "cm").isel(cell=0).copy(data=rates[0])
    for measure in (nfl.score, nfl.measure_lattices, nfl.border_score):
        with pytest.raises(ValueError, match=r"bin_size: found 11 m, and steps of 11 cm"):
            measure(there, bin_size=11)
    assert nfl.score(there, bin_size=0.11)["period"].item() == pytest.approx(0.7, rel=0.02)


def test_pixels_are_bins_and_units_may_be_bytes_or_arrays():
    for step in (1.0, 4.37):  # of a camera, of which several may make a bin
        assert check_bin_size(maps(step, "Pixels"), 0.025) == 0.025
    for unit in ("CM", b"cm", np.array(["cm"]), np.array([b"cm"])):
        assert bin_size_of_file(maps(1.0), 2.5, unit, "file: bin_size") == pytest.approx(0.025)


def test_units_that_are_no_length_say_nothing():
    """Grid cells of visual space have degrees."""
    for unit in ("deg", "a.u.", "furlong"):
        assert check_bin_size(maps(2.5, unit), 0.05) == 0.05
        assert bin_size_of_file(maps(2.5, unit), None, None, "file: bin_size") is None
    for unit, metres in (("feet", 0.3048), ("inches", 0.0254), ("µm", 1e-6), ("microns", 1e-6)):
        found = bin_size_of_file(maps(2.0, unit), None, None, "file: bin_size")
        assert found == pytest.approx(2 * metres)


def test_metres_that_are_centimetres():
    with pytest.raises(ValueError, match=r"bin_size: found 5 m; allowed: below 1 m, unless coor"):
        check_bin_size(np.zeros((SIDE, SIDE)), 5)
    with pytest.raises(ValueError, match="found 1 m; allowed: below 1 m"):
        check_bin_size(np.zeros((SIDE, SIDE)), 1)
    with pytest.raises(ValueError, match=r"found 1; allowed: below 1 \(m\)"):
        bin_size_of_file(maps(1.0), 1, None, "file: bin_size")
    assert check_bin_size(maps(5.0, "m"), 5) == 5


@pytest.mark.parametrize("several", [list, lambda m: [list(m)], lambda m: {"a": m[0], "b": m[1]}])
def test_the_maps_of_a_list_are_compared_one_by_one(several):
    assert check_bin_size(several(maps(2.5)), 0.025) == 0.025
    with pytest.raises(ValueError, match=r"and steps of 2\.5 of no unit"):
        check_bin_size(several(maps(2.5)), 0.05)


def test_bins_of_two_units_are_square_in_metres():
    mixed = maps(2.5, "cm", other=25).assign_coords(y=("y", np.arange(SIDE) * 25, {"units": "mm"}))
    assert check_bin_size(mixed, 0.025) == 0.025
    wrong = mixed.assign_coords(y=("y", np.arange(SIDE) * 2.5, {"units": "mm"}))
    with pytest.raises(ValueError, match=r"found bins of 2\.5 mm by 2\.5 cm; allowed: square bins"):
        check_bin_size(wrong, 0.025)


class Quantity:
    """A number with a unit, as astropy (unit, value) and pint (units, magnitude) have it."""

    def __init__(self, **parts):
        self.__dict__.update(parts)


@pytest.mark.parametrize(
    "given", [Quantity(unit="cm", value=5.0), Quantity(units="millimeter", magnitude=50)]
)
def test_a_quantity_is_taken_in_its_unit(given):
    assert check_bin_size(np.zeros((8, 8)), given) == pytest.approx(0.05)
    assert nfl.score(np.eye(8), given).attrs["bin_size"] == pytest.approx(0.05)


def test_a_quantity_that_is_no_length_is_refused():
    with pytest.raises(ValueError, match="bin_size: found 's'; allowed: m, cm"):
        check_bin_size(np.zeros((8, 8)), Quantity(unit="s", value=5.0))
