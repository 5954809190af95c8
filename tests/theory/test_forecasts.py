"""Forecasts: known annuli and periods, what is said where there are none, and studies."""

import numpy as np
import pytest
from nofreelunch.task import targets
from nofreelunch.theory.forecasts import DRAWS, forecast, forecast_sweeps
from target_examples import COORDINATES, GAUSSIAN, GENERAL, SOD, make, uniform

DOS, DOG = "difference_of_softmaxes", "difference_of_gaussians"
MIXED = {"width": uniform(0.06, 0.18), "ratio": uniform(1.5, 2.5)}


def of(name, arena=2.2, cells=96, **keys):
    return forecast(make(name, cells=cells, **keys), arena)


@pytest.fixture(scope="module")
def dos():
    return of(DOS, cells=512)


def test_the_reference_target(dos):
    by = {str(s): dos.sel(source=s) for s in dos.source.values}
    assert by["formula"].radius == pytest.approx(2.805, abs=1e-3)
    assert by["periodic"].radius == pytest.approx(np.sqrt(8))
    assert by["bounded"].radius == pytest.approx(2.805, abs=0.2)
    assert by["formula"].period == pytest.approx(0.906, abs=5e-4)
    for found in (by["periodic"], by["bounded"]):
        assert found.period == pytest.approx(0.906, rel=0.05)
        assert found.contrast == pytest.approx(1 / 0.16, rel=0.1)
        assert 0 < found.period_spread < 0.05 and 0 < found.contrast_spread < 1
    assert bool(dos.lattice_expected) and dos.draws_with_annulus == 1
    assert dos.predicted_period == by["formula"].period
    assert dos.fields == pytest.approx(2.2**2 / (0.906**2 * np.sqrt(3) / 2), rel=1e-3)
    assert dos.attrs["sentence"].startswith(
        "Difference-of-softmaxes targets predict a lattice with a period of 0.91 m (by formula): "
        "their power peaks on a ring of 2.8 cycles per box, "
    )


@pytest.mark.parametrize(
    ("name", "keys", "radius"),
    [
        (DOS, {"convention": "variance_ratio", "cells": 512}, (13,)),
        (GENERAL, {"amplitude_ratio": 2.5, "cells": 512}, (13,)),
        (GENERAL, {"amplitude_ratio": 6.0}, (5,)),
        (DOS, {**MIXED, "cells": 256}, (5,)),
    ],
)
def test_annuli(name, keys, radius):
    found = of(name, **keys)
    assert round(float(found.radius.sel(source="periodic")) ** 2) in radius
    assert bool(found.lattice_expected) and found.predicted_period > 0
    assert found.contrast.sel(source="periodic") > 1


@pytest.mark.parametrize(
    ("name", "keys", "why"),
    [
        *((name, {}, "as they have no place fields") for name in COORDINATES),
        (GAUSSIAN, {}, "as their fields have no surround"),
        (SOD, {}, "as their fields have no surround"),
        (DOG, {}, "; the ring at 4.0 cycles per box has 2% of it"),
        (DOG, {"width": 0.05}, "; the ring at 9.5 cycles per box has"),
        (DOS, {"width": 0.5}, "; the ring of such fields has waves too long for it"),
        (GENERAL, {"amplitude_ratio": 20.0}, ", as such a surround is too weak for a ring"),
        (DOS, {"width": uniform(0.06, 1), "ratio": uniform(1.25, 4.5)}, "; the rings of unequal"),
    ],
)
def test_targets_that_predict_no_lattice(name, keys, why):
    found = of(name, **keys)
    assert not found.lattice_expected and found.draws_with_annulus == 0
    assert np.isnan(found.predicted_period) and np.isnan(found.fields)
    assert np.isnan(found.period).all()
    periodic = found.sel(source="periodic")
    assert (periodic.radius, periodic.contrast) == (1, 1)
    said = found.attrs["sentence"]
    assert "predict no lattice: their power is highest for waves as long as the box" in said
    assert why in said and "\n" not in said


def test_unequal_fields_have_no_formula():
    found = of(DOS, **MIXED)
    assert np.isnan(found.sel(source="formula").radius)
    periodic = found.sel(source="periodic")
    assert found.predicted_period == periodic.period and periodic.period_spread > 0
    assert f"(from spectra, ± {float(periodic.period_spread):.2f} m)" in found.attrs["sentence"]
    several = of(DOS, fields_per_cell={"poisson": 1})
    assert np.isnan(several.sel(source="formula").period) and bool(several.lattice_expected)


def test_a_larger_arena_keeps_the_period_and_holds_more(dos):
    larger = of(DOS, arena=3.3)
    assert larger.predicted_period == pytest.approx(float(dos.predicted_period))
    assert larger.fields == pytest.approx(2.25 * float(dos.fields))
    assert larger.radius.sel(source="formula") == pytest.approx(1.5 * 2.805, abs=2e-3)


def test_a_period_longer_than_the_arena_is_no_lattice():
    found = of(DOS, width=0.3, cells=256)
    assert found.draws_with_annulus == 1 and not found.lattice_expected
    assert np.isnan(found.predicted_period)
    assert "the period, 2.26 m, is longer than the arena, 2.2 m." in found.attrs["sentence"]


def test_draws_that_disagree_are_undecided():
    """At this ratio the ring and the longest waves are about as strong."""
    found = of(GENERAL, amplitude_ratio=12.0, cells=32)
    assert 0 < found.draws_with_annulus < 1 and not found.lattice_expected
    count = round(float(found.draws_with_annulus) * DRAWS)
    assert f"for {count} of {DRAWS} draws of the place cells" in found.attrs["sentence"]


def test_names_keys_and_built_targets_are_the_same():
    spec = {"target": GAUSSIAN, "place_cells": 32}
    built = targets.build_target(spec, seed=5, arena=1.5)
    assert forecast(spec, 1.5).identical(forecast(built))
    assert forecast("cartesian").identical(forecast({"target": "cartesian"}))


@pytest.mark.parametrize(
    ("target", "arena", "message"),
    [
        ("dos", 2.2, r"^target: found 'dos'; allowed: cartesian, "),
        (make(DOS, width=0.6), 0.5, r"^place_cell_width: found 0.6 m; allowed: less than the aren"),
        (make(DOS, width=uniform(0.1, 0.5)), 0.5, r"^place_cell_width: found 0.5 m; allowed: less"),
        (make(DOS, width=0.01), 2.2, r"^place_cell_width: found 0.01 m; allowed: at least 0.02 m "),
        (DOS, 0, r"^arena: found 0; allowed: a side above 0 m$"),
        (
            targets.build_targets([make(GAUSSIAN, cells=8)] * 2, [0, 1]),
            2.2,
            r"^target: found a stack of 2; allowed: one target$",
        ),
    ],
)
def test_refused(target, arena, message):
    with pytest.raises(ValueError, match=message):
        forecast(target, arena)


def test_a_ring_that_only_equal_fields_in_the_plane_have_is_told():
    said = of(DOS, width=0.33).attrs["sentence"]
    assert said.endswith("; equal fields in the plane have a ring at 1.0 cycles per box.")


def test_a_table_of_sweeps():
    dos, wide = make(DOS, cells=64), make(DOS, width=0.15, cells=64)
    table = forecast_sweeps(
        {"one": [dos], "widths": [dos, wide, dos], "none": [make(GAUSSIAN, cells=64)]}, 2.2
    )
    assert list(table.index) == ["one", "widths", "none"]
    assert list(table.targets) == [1, 2, 1] and list(table.lattice) == [1, 2, 0]
    assert list(table.period) == ["0.91", "0.91–1.13", "-"]
    assert table.radius["none"] == table.contrast["none"] == "1.00"
    assert table.sentence["one"] == forecast(dos).attrs["sentence"]
    expected = "2 of 2 targets predict a lattice, with periods of 0.91–1.13 m."
    assert table.sentence["widths"] == expected
    arenas = forecast_sweeps({"arenas": [dos, dos | {"arena": 0.8}]}, 2.2)
    assert list(arenas.targets) == [2] and list(arenas.lattice) == [1], "0.91 m do not fit 0.8 m"
    mixed = forecast_sweeps({"mixed": [make(GAUSSIAN), dos, make("polar")]}, 2.2)
    assert mixed.sentence["mixed"] == (
        "1 of 3 targets predict a lattice, with periods of 0.91 m; the others do not (Gaussian, "
        "Polar)."
    )
