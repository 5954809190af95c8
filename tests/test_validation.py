"""docs/validation.md is what benchmarks/validation.py writes."""

import importlib.util
import itertools
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def validation():
    place = ROOT / "benchmarks" / "validation.py"
    spec = importlib.util.spec_from_file_location("validation", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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


def test_lattices_are_made_to_order(validation):
    """Peaks where they should be, and no jitter where none is asked for."""
    random = np.random.default_rng(0)
    for period in (0.5, 0.8):
        rates, distance = validation.hexagonal(period, random, bins=44)
        fields = validation.jittered(period, 0.0, random, bins=44)
        found = validation.nfl.measure_lattices(np.stack([rates, fields]), validation.BOX / 44)
        assert distance == pytest.approx(period)
        np.testing.assert_allclose(found.period, period, rtol=0.01)
        np.testing.assert_allclose(found.ellipticity, 1, atol=0.02)


def test_noise_has_unit_variance_and_the_wavelength_asked_for(validation):
    random = np.random.default_rng(1)
    for make in (validation.smooth(0.2), validation.band(0.5)):
        assert make(200, random).std() == pytest.approx(1, abs=0.05)
    maps = validation.band(0.5, 0.05)(50, random)
    power = np.abs(np.fft.rfft2(maps)[:, 0]) ** 2
    assert power.mean(axis=0).argmax() == round(validation.BOX / 0.5)
