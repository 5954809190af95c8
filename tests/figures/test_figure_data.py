"""The table of a figure has the numbers that are drawn, under the names of the legend."""

import io
from functools import cache

import numpy as np
import pandas as pd
import pytest
import synthetic_summary
from nofreelunch.figures import figure_data, result_1, result_2, result_3, style
from nofreelunch.findings import comparisons, network_measures


@pytest.fixture(scope="module")
def study():
    summary = synthetic_summary.make("full")
    maps = cache(synthetic_summary.rate_maps(summary, bins=11))
    return summary, synthetic_summary.theory("full"), maps


@pytest.fixture
def drawn():
    """Two curves of a target, marks in two colours, a bar, a threshold and a map."""
    figure = style.figure(height=60)
    axes, other = figure.subplots(1, 2)
    for shift in (0, 1):
        axes.plot([0, 1, 2], [shift, 3, 4], color=style.colour("gaussian"), linewidth=0.5)
    axes.plot([1], [9], color=style.colour("polar"), **style.DOT)
    axes.plot([2], [8], **style.CHANCE_MARK)
    axes.bar(1, 7, color=style.colour("polar"))
    axes.axhline(0.8, color=style.INK, linewidth=0.6)
    axes.set_xticks([0, 1, 2], ["none", "one\nfield", "two"])
    axes.set_title("a title\non two lines")
    axes.set_ylabel("units (%)")
    axes.plot([], [], color=style.INK, label="one network", **style.DOT)
    axes.plot([], [], label="chance", **style.CHANCE_MARK)
    axes.legend()
    style.draw_map(other, np.eye(3))
    return figure_data.figure_table(figure)


def test_every_point_is_a_row(drawn):
    assert list(drawn.columns) == list(figure_data.COLUMNS)
    lines = drawn[drawn["kind"] == "line"]
    assert set(lines["target"]) == {"gaussian"} and list(lines["item"]) == [1] * 3 + [2] * 3
    assert list(lines["y"]) == [0, 3, 4, 1, 3, 4]
    assert list(lines["place"][:3]) == ["none", "one field", "two"]
    (bar,) = drawn[drawn["kind"] == "bar"].to_dict("records")
    assert (bar["x"], bar["y"], bar["target"], bar["place"]) == (1, 7, "polar", "one field")
    (across,) = drawn[drawn["kind"] == "reference"].to_dict("records")
    assert across["y"] == 0.8 and np.isnan(across["x"])
    assert list(drawn["panel"][drawn["kind"] == "map"]) == [2]
    assert set(drawn["title"]) == {"a title on two lines", ""}


def test_series_have_the_names_of_the_legend(drawn):
    """A mark in the colour of a target is named by its shape, the mark of chance by its colour."""
    points = drawn[drawn["kind"] == "points"]
    assert list(points["series"]) == ["one network", "chance"]
    assert list(points["target"]) == ["polar", ""]
    assert set(drawn["series"][drawn["kind"] == "line"]) == {""}


def test_the_table_of_result_3_has_the_shares_of_the_networks(study):
    table = figure_data.figure_table(result_3.draw(*study))
    found = table[(table["panel"] == 1) & (table["series"] == "one network")]
    widths = comparisons.widths(study[0])
    shares = [100 * network_measures.share_above(n, 0.3) for n in widths.values()]
    np.testing.assert_allclose(sorted(found["y"]), sorted(np.concatenate(shares)), rtol=1e-6)
    assert found["title"].iloc[0] == "grid score > 0.3" and set(found["y_axis"]) == {"units (%)"}


def test_targets_on_an_axis_are_places(study):
    table = figure_data.figure_table(result_1.draw(*study))
    named = table[(table["panel"] == 1) & (table["target"] == "polar")]
    assert set(named["place"]) == {"Polar"}


def test_maps_are_rows_without_numbers(study):
    figure = result_2.draw(*study)
    table = figure_data.figure_table(figure)
    assert len(table) == sum(len(axes.images) for axes in figure.axes)
    assert table["x"].isna().all()


def test_the_csv_is_the_table(study):
    figure = result_3.draw(*study)
    read = pd.read_csv(io.StringIO(figure_data.to_csv(figure)), keep_default_na=False)
    expected = figure_data.figure_table(figure)
    assert list(read["series"]) == list(expected["series"])
    numbers = pd.to_numeric(read["y"], errors="coerce")
    np.testing.assert_allclose(numbers, expected["y"], rtol=1e-5)
