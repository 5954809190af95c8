"""Size and power of the test for grid cells, on maps of which the answer is known."""

import numpy as np
import pytest
from nofreelunch.scoring import calibration, firing_fields, significance, surrogates
from nofreelunch.scoring.grid_scores import published_score
from nofreelunch.scoring.lattices import measure_lattices
from synthetic_maps import bumps, hexagonal_maps

BIN = 0.05


@pytest.fixture
def random():
    return np.random.default_rng(0)


@pytest.mark.parametrize("period", [8.0, 13.0])
def test_lattice_maps_are_lattices_of_the_period(period, random):
    """Of the fields of a map that is none; peaks are rounded to bins."""
    rates = bumps(44, [(0.4, 0.5), (1.5, 1.9), (1.8, 0.6)], 0.1)
    made = surrogates.lattice_maps(rates, period, 20, random)
    assert made.shape == (20, 44, 44)
    assert np.median(published_score(made).score_60) > 0.9
    found = measure_lattices(made, BIN)
    assert found["period"].median().item() == pytest.approx(period * BIN, rel=0.04)
    assert np.std(found["orientation"]) > 0.1 and np.ptp(made.reshape(20, -1).argmax(1)) > 100
    heights = [piece.max() for piece in firing_fields.find_fields(rates).pieces]
    assert np.median(made.max((1, 2))) == pytest.approx(max(heights), rel=0.05)


def test_lattice_maps_use_all_fields_and_no_unvisited_bin(random):
    rates = np.maximum(bumps(44, [(0.4, 0.5)], 0.1), 0.5 * bumps(44, [(1.6, 1.6)], 0.1))
    rates[:, 30:] = np.nan
    made = surrogates.lattice_maps(rates, 14.0, 5, random)
    assert np.isnan(made[:, :, 30:]).all() and np.isfinite(made[:, :, :30]).all()
    heights = [firing_fields.find_fields(one) for one in made]
    assert all(len(found.peaks) > 1 for found in heights)


def test_maps_without_fields_are_refused(random):
    with pytest.raises(ValueError, match="rate_map: found no fields; allowed: one or more"):
        surrogates.lattice_maps(np.ones((20, 20)), 5.0, 1, random)


def test_what_is_calibrated_is_known(random, monkeypatch):
    """Clean fields on a lattice pass; surrogates pass as rarely as the level says."""
    lattices, _ = hexagonal_maps(22, 0.8, 10, random, noise=0.05, rectified=True)
    found = calibration.calibrate(lattices, seed=1)
    assert found.dims == ("made", "sample") and found.shape == (3, calibration.UNITS)
    assert found["made"].values.tolist() == ["phase", "shuffle", "lattice"]
    share = (found <= significance.LEVEL).mean("sample")
    assert share.sel(made="lattice") == 1
    # Of eight that pass with a probability of 5 %, more than two do so in 0.6 % of cases.
    assert (share.sel(made=["phase", "shuffle"]) <= 2 / 8).all()
    monkeypatch.setattr(calibration, "SURROGATES", 5)
    again = calibration.calibrate(lattices, seed=1)
    np.testing.assert_array_equal(calibration.calibrate(lattices, seed=1), again)
    monkeypatch.setattr(calibration, "SURROGATES", 5)
    assert (calibration.calibrate(lattices, seed=2) != again).any()


def test_single_fields_are_lattices_that_nobody_sees(random):
    """They have nothing to shuffle, and no distance from which to take a period."""
    rates = np.stack([bumps(20, [(y, 0.8)], 0.15) for y in (0.4, 0.7, 1.0)])
    found = calibration.calibrate(rates, seed=0)
    assert found.sel(made="shuffle").isnull().all()
    assert (found.sel(made="lattice") == 1).sum() == 3
    assert found.sel(made="lattice").notnull().sum() == 3
    assert found.sel(made="phase").notnull().sum() == 3


def test_no_units_are_no_sample():
    found = calibration.calibrate(np.empty((0, 20, 20)), seed=0)
    assert found.isnull().all()


def test_as_many_units_are_tested_as_are_asked_for(random, monkeypatch):
    monkeypatch.setattr(calibration, "SURROGATES", 5)
    lattices, _ = hexagonal_maps(22, 0.8, 10, random, noise=0.05, rectified=True)
    found = calibration.calibrate(lattices, seed=1, count=3)
    assert found.sizes["sample"] == 3 and found.notnull().all()
