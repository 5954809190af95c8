"""docs/periods.md holds what its script computes; one column of it is computed anew."""

from pathlib import Path

import numpy as np
import periods
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "periods.md"
QUICK = ("perfect lattices, fitted", "perfect lattices, nearest six peaks", "rectified patterns")


def rows() -> dict[str, list[str]]:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
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
