"""Drawings of estimates: marks where the numbers are, and text that is read without them."""

import math
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from nofreelunch.story import interval_plot
from nofreelunch.story.interval_plot import LEFT, RIGHT, IntervalRow

NAN = math.nan
SVG = "{http://www.w3.org/2000/svg}"
TWO = [
    IntervalRow("one", 0.026, 0.006, 0.046, "+2.6 points"),
    IntervalRow("two", 0.014, 0.003, 0.026, "+1.4"),
]


def drawn(rows, unit="difference", talk=0.049, title="A < B") -> ET.Element:
    text = interval_plot.interval_plot(rows, unit, talk, title)
    return ET.fromstring(text.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def texts(svg: ET.Element) -> list[str]:
    return [element.text or "" for element in svg.iter(f"{SVG}text")]


def by_class(svg: ET.Element, name: str) -> list[ET.Element]:
    return [element for element in svg.iter() if element.get("class") == name]


def test_dots_stand_where_their_values_are():
    svg = drawn(TWO)
    ticks = {
        float(e.text.replace("−", "-").split()[0]): float(e.get("x"))
        for e in svg.iter(f"{SVG}text")
        if e.text and e.text[0].isdigit()
    }
    assert sorted(ticks) == [0, 1, 2, 3, 4, 5]
    dots = [float(dot.get("cx")) for dot in by_class(svg, "dot")]
    per_point = (RIGHT - LEFT) / 5
    assert dots == pytest.approx([LEFT + 2.6 * per_point, LEFT + 1.4 * per_point], abs=0.1)
    for nought in by_class(svg, "nought"):
        assert nought.get("d", "").startswith(f"M{float(LEFT)} ")
    assert len(by_class(svg, "whisker")) == 2 and len(by_class(svg, "talk")) == 1
    assert svg.get("aria-label") == "A < B" and svg.get("role") == "img"


def test_everything_lies_in_the_drawing():
    wild = [IntervalRow("a", -0.4, -1.7, 0.9, "x"), IntervalRow("b", 0.2, 0.1, 0.3, "y")]
    for talk in (-3.0, 0.0, 4.0):
        svg = drawn(wild, talk=talk)
        assert all(LEFT <= float(dot.get("cx")) <= RIGHT for dot in by_class(svg, "dot"))
        for path in svg.iter(f"{SVG}path"):
            assert 0 <= float(path.get("d", "")[1:].split()[0]) <= interval_plot.WIDTH


def test_what_is_not_known_is_not_drawn():
    assert (
        interval_plot.interval_plot([IntervalRow("a", NAN, NAN, NAN, "none")], "share", 0, "") == ""
    )
    assert interval_plot.interval_plot([], "share", 0.0, "") == ""
    svg = drawn(
        [IntervalRow("a", 2.83, NAN, NAN, "2.83"), IntervalRow("b", NAN, 0, 1, "none")],
        "ratio",
        NAN,
    )
    assert len(by_class(svg, "dot")) == 1
    assert by_class(svg, "whisker") == by_class(svg, "talk") == []
    assert "b" not in texts(svg)


@pytest.mark.parametrize(
    ("low", "high"), [(0, 100), (0, 0), (-7.6, 0), (0, 2.83), (0.003, 0.0041), (-1e-9, 1), (5, 5)]
)
def test_ticks_are_few_equal_and_hold_the_numbers(low, high):
    found = interval_plot.ticks(low, high)
    assert 2 <= len(found) <= 7
    assert found[0] <= low + 1e-6 and found[-1] >= high
    steps = {round(b - a, 9) for a, b in pairwise(found)}
    assert len(steps) == 1
