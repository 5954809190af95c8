"""docs/patterns.md holds what its script computes; one cell of its table is computed anew."""

from pathlib import Path

import patterns

PAGE = Path(__file__).parents[2] / "docs" / "patterns.md"


def rows(section: int = 0) -> dict[str, list[str]]:
    """The cells of a section's table, by the width in the first column."""
    text = PAGE.read_text().split("\n## ")[section]
    lines = [line for line in text.splitlines() if line.startswith("|")]
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


def test_what_the_page_says_of_networks_is_what_their_table_says():
    found = rows(2)
    share = found["0.11"][found["σ, m"].index("p ≤ 0.05, %")]
    low = float(share.split("[")[1].split(",")[0])
    said = patterns._said(patterns.verdicts.Estimate(low, low, low, 4))
    assert said in PAGE.read_text()
    assert rows()["0.11"][0].split(" / ")[1] == "100"
