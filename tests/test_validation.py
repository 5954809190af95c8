"""docs/validation.md is what benchmarks/validation.py writes."""

import importlib
import itertools
import sys
from pathlib import Path

import nofreelunch as nfl
import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def validation():
    """Its modules import each other by name, as scripts do."""
    folder = str(ROOT / "benchmarks")
    sys.path.insert(0, folder)
    yield importlib.import_module("validation")
    sys.path.remove(folder)


@pytest.fixture(scope="module")
def known_maps(validation):
    return importlib.import_module("known_maps")


def frame(text):
    """The introduction, and the headings of sections and tables."""
    introduction, *_ = text.split("\n## ")
    lines = text.splitlines()
    tables = [a for a, b in itertools.pairwise(lines) if b.startswith("| ---")]
    return introduction, [line for line in lines if line.startswith("## ")], tables


def test_the_page_is_what_the_script_writes(validation, tmp_path):
    validation.main(["--quick", "--output", str(tmp_path / "page.md")])
    quick = (tmp_path / "page.md").read_text(encoding="utf-8")
    introduction, sections, tables = frame(quick)
    assert len(sections) == len(tables) == len(validation.TABLES)
    assert frame(validation.PAGE.read_text(encoding="utf-8")) == (introduction, sections, tables)
    assert quick.count("Measured on ") == len(tables)


def test_lattices_are_made_to_order(known_maps):
    """Peaks where they should be, and no jitter where none is asked for."""
    random = np.random.default_rng(0)
    for period in (0.5, 0.8):
        rates, distance = known_maps.hexagonal(period, random, bins=44)
        fields = known_maps.jittered(period, 0.0, random, bins=44)
        found = nfl.measure_lattices(np.stack([rates, fields]), known_maps.BOX / 44)
        assert distance == pytest.approx(period)
        np.testing.assert_allclose(found.period, period, rtol=0.01)
        np.testing.assert_allclose(found.ellipticity, 1, atol=0.02)


def test_noise_has_unit_variance_and_the_wavelength_asked_for(known_maps):
    random = np.random.default_rng(1)
    for make in (known_maps.smooth(0.2), known_maps.band(0.5)):
        assert make(200, random).std() == pytest.approx(1, abs=0.05)
    maps = known_maps.band(0.5, 0.05)(50, random)
    power = np.abs(np.fft.rfft2(maps)[:, 0]) ** 2
    assert power.mean(axis=0).argmax() == round(known_maps.BOX / 0.5)
