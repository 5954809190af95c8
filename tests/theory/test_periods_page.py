"""docs/periods.md holds what its script computes; one column of it is computed anew."""

from pathlib import Path

import numpy as np
import periods
import pytest
import unit_spectra

PAGE = Path(__file__).parents[2] / "docs" / "periods.md"
QUICK = ("perfect lattices, fitted", "perfect lattices, nearest six peaks", "rectified patterns")


def rows(section: str = "Without networks") -> dict[str, list[str]]:
    """The cells of a section's table, by the first one of each row."""
    text = PAGE.read_text().split(f"## {section}")[1].split("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first: rest for first, *rest in cells}


@pytest.mark.parametrize("name", QUICK)
def test_the_page_has_what_is_computed(name):
    column = rows()[""].index("σ 0.12 m")
    again = "run python docs/build/periods.py docs/periods.md"
    assert rows()[name][column] == periods.cell(periods.measured(name, 0.12)), again


def test_every_condition_has_a_row_and_every_width_a_column():
    assert list(rows())[2:] == list(periods.CONDITIONS)
    assert rows()[""] == [f"σ {width:.2f} m" for width in periods.SHOWN]


def test_the_lattices_have_the_period_that_is_asked_for():
    maps = periods.lattices(0.6, 8)
    found = periods.measure_lattices(maps, periods.BIN)
    np.testing.assert_allclose(found["period"], 0.6, rtol=0.01)
    np.testing.assert_allclose(found["ellipticity"], 1, atol=0.02)


def test_rings_grow_in_training_as_the_page_says():
    """With walls and without, in linear units and by squared errors, while networks learn."""
    table = rows("While networks learn")
    assert list(table)[2:] == list(unit_spectra.CONDITIONS)
    heads = ["as drawn", *(f"{n:,} steps" for n in unit_spectra.STEPS[1:])]
    assert table[""][: len(heads)] == heads
    for name in unit_spectra.CONDITIONS:
        means = [float(cell.split()[0]) for cell in table[name][1 : len(unit_spectra.STEPS)]]
        assert means[-1] > means[0] + 0.15 and (np.diff(means) > -0.02).all()
        assert float(table[name][0].split()[0]) == pytest.approx(1, abs=0.05)
        assert float(table[name][-1].removesuffix(" cm")) < 30  # cm, of networks that learn


@pytest.mark.parametrize("radius", [2.0, 2.5, 3.5])
def test_a_ring_is_read_where_the_waves_are(radius):
    """Waves in all directions and phases, with some as long as the box on top."""
    random = np.random.default_rng(0)
    side = np.arange(0.05, 2.2, 0.1)
    x, y = np.meshgrid(side, side)
    turn, phase = random.uniform(0, np.pi, (300, 1, 1)), random.uniform(0, 2 * np.pi, (300, 1, 1))
    along = (np.cos(turn) * x + np.sin(turn) * y) / 2.2
    maps = np.cos(2 * np.pi * radius * along + phase) + np.cos(2 * np.pi * 0.7 * along)
    found = unit_spectra.ring(unit_spectra.radial_power(maps))
    assert found == pytest.approx(radius, abs=0.15)


def test_without_a_peak_beyond_the_longest_waves_there_is_no_ring():
    falling = np.exp(-unit_spectra.RADII)
    assert np.isnan(unit_spectra.ring(falling))


def test_power_in_the_longest_waves_is_a_share():
    power = np.ones((1, 1, unit_spectra.RADII.size))
    found = unit_spectra.Trained(power, np.zeros((1, 1)), power[0]).longest
    below = unit_spectra.RADII[unit_spectra.RADII < 1.5].sum()
    assert found.item() == pytest.approx(below / unit_spectra.RADII.sum())
