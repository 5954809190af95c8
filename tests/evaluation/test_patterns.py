"""Patterns of targets: grown and scored as by hand, and lattices where there should be some."""

import json
import zlib

import numpy as np
import pytest
import xarray as xr
from checkouts import ROOT
from nofreelunch.evaluation import patterns
from nofreelunch.files import datasets
from nofreelunch.scoring import lattices, significance
from nofreelunch.theory import spectra
from target_examples import build

COUNT = 6


@pytest.fixture(scope="module")
def targets():
    """A ring with room for several waves in every direction, and no ring."""
    ringed = spectra.spectrum(build("difference_of_softmaxes", width=0.08, cells=256), 45)
    return [ringed, spectra.spectrum(build("gaussian", cells=64), 45)]


@pytest.fixture(scope="module")
def grown(targets):
    return patterns.measure_patterns(targets, COUNT)


def test_rectified_patterns_of_a_ring_alone_are_lattices(grown):
    share = (grown.p_value <= 0.05).mean("unit").to_series()
    assert share.pop((0, "relu")) > 0.8 and share.max() < 0.2
    assert grown.significant.sel(activation="relu").sum("unit").values.tolist() == [COUNT, 0]
    period = grown.period.isel(target=0).sel(activation="relu").dropna("unit")
    assert period.size and (abs(period - 0.65) < 0.1).all()


def test_patterns_are_scored_as_any_maps_are(grown):
    one = grown.isel(target=0)
    seed = zlib.crc32(str(one["spec"].item()).encode())
    chance = significance.significance(one["rate_map"], patterns.SURROGATES, seed)
    np.testing.assert_array_equal(one["p_value"], chance["p_value"])
    np.testing.assert_array_equal(one["surrogate_score"], chance["surrogate_score"])
    found = lattices.measure_lattices(one["rate_map"], grown.attrs["bin_size"])
    np.testing.assert_allclose(one["period"], found["period"], rtol=1e-5)
    assert json.loads(str(one["spec"].item()))["target"] == "difference_of_softmaxes"
    assert grown.attrs["bin_size"] == pytest.approx(2.2 / 44)


def test_a_targets_patterns_do_not_depend_on_other_targets(targets, grown):
    alone = patterns.measure_patterns(targets[1:], COUNT)
    xr.testing.assert_identical(alone.isel(target=0), grown.isel(target=1))
    noise = [grown["rate_map"].isel(target=t, activation=0, unit=0).values for t in (0, 1)]
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.3


def test_the_caption_says_how_many_maps_there_are():
    text = (ROOT / "workflow" / "report" / "figures.rst").read_text(encoding="utf-8")
    (caption,) = [line for line in text.splitlines() if line.startswith("**Patterns.")]
    assert caption.count(f" {patterns.COUNT}") == 3  # in the middle of, within, one of
    assert 0.4 < 1 - 0.95**patterns.COUNT < 0.5  # one by chance, "in nearly half of all targets"


def test_no_pattern_is_refused(targets):
    with pytest.raises(ValueError, match=r"^count: found 0; allowed: a whole number >= 1$"):
        patterns.measure_patterns(targets, 0)


def test_spectra_are_opened_with_the_scores_of_their_patterns(tmp_path):
    built = [build(name, cells=16) for name in ("difference_of_softmaxes", "gaussian")]
    together = spectra.spectra(built)
    datasets.save(together, tmp_path / "theory.nc", "theory", "code")
    made = patterns.measure_patterns(spectra.split_spectra(together)[::-1], 2)
    datasets.save(made, tmp_path / "patterns.nc", "patterns", "code")
    opened = spectra.open_spectra([tmp_path / "theory.nc"], [tmp_path / "patterns.nc"])
    for one, grown in zip(opened, [made.isel(target=1), made.isel(target=0)], strict=True):
        assert one.attrs["spec"] == grown["spec"].item()
        np.testing.assert_allclose(one["p_value"], grown["p_value"], rtol=1e-6)
        assert "power" in one and "rate_map" not in one
    assert "p_value" not in spectra.open_spectra([tmp_path / "theory.nc"])[0]
