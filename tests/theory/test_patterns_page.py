"""docs/patterns.md holds what its script computes; one cell of its table is computed anew."""

from pathlib import Path

import patterns

PAGE = Path(__file__).parents[2] / "docs" / "patterns.md"


def rows() -> dict[str, list[str]]:
    """The cells of the table, by the width in the first column."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first: rest for first, *rest in cells}


def test_the_page_has_what_is_computed():
    again = "run python docs/build/patterns.py docs/patterns.md"
    assert rows()["0.13"][0] == patterns.cell(patterns.grown(0.13, 2.2)), again


def test_every_width_of_the_talk_has_a_row_and_every_box_a_column():
    found = rows()
    assert [float(width) for width in list(found)[2:]] == list(patterns.WIDTHS)
    assert {len(cells) for cells in found.values()} == {len(patterns.BOXES)}
    assert (PAGE.parent / "patterns.png").exists()


def test_lattices_are_many_in_the_wide_box_and_hang_on_the_width_in_the_small_one():
    small, wide = (
        [float(cells[box].split(" / ")[1]) for cells in list(rows().values())[2:]] for box in (0, 1)
    )
    assert min(small) < 10 < 60 < max(small)
    assert sum(wide) > sum(small)
