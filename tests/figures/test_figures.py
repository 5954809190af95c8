"""Figures: drawn for any study, legible, the same every time."""

import json
from itertools import pairwise
from pathlib import Path

import jinja2
import matplotlib
import numpy as np
import pytest
from figure_examples import draw, only, words
from matplotlib.transforms import Bbox
from nofreelunch.figures import style, tuning
from nofreelunch.figures.contents import FIGURES
from nofreelunch.findings import comparisons
from nofreelunch.task import targets
from nofreelunch.task.catalogue import catalogue

NAMES = list(FIGURES)
CASES = [
    *((name, study) for name in NAMES for study in ("full", "tiny")),
    *((name, "chanceless") for name in ("overview", "result_4", "chance", "lattices")),
    *((name, "unlearnt") for name in ("result_3", "result_4", "result_5", "learning_curves")),
]
CAPTIONS = Path(__file__).parents[2] / "workflow" / "report"
SMALLEST = 7  # pt at 180 mm
# Captions that name the threshold of grid-like units.
WITH_THRESHOLD = {
    *("result_1", "result_2", "result_5", "predictions", "controls", "chance", "workflow")
}


@pytest.mark.parametrize(("name", "study"), CASES)
def test_a_figure_fits_a_double_column_in_legible_print(name, study, drawn):
    figure = drawn(name, study)
    assert figure.get_size_inches()[0] * 25.4 == pytest.approx(180)
    assert figure.get_size_inches()[1] * 25.4 < 225
    for text in words(figure):
        assert text.get_fontsize() >= SMALLEST, text.get_text()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert box.x0 > -0.02 and box.x1 < width + 0.02
    assert box.y0 > -0.02 and box.y1 < height + 0.02


@pytest.mark.parametrize(("name", "study"), CASES)
def test_no_text_lies_on_another(name, study, drawn):
    figure = drawn(name, study)
    shown = words(figure)
    ticks = {
        id(t) for axes in figure.axes for t in (*axes.get_xticklabels(), *axes.get_yticklabels())
    }
    boxes = [(t.get_text(), t.get_window_extent()) for t in shown if id(t) not in ticks]
    for row, (text, box) in enumerate(boxes):
        for other, other_box in boxes[row + 1 :]:
            overlap = Bbox.intersection(box, other_box)
            if overlap is not None:
                assert overlap.width < 1 or overlap.height < 1, (text, other)


@pytest.mark.parametrize("name", NAMES)
def test_one_network_or_none_is_no_error(name, full):
    summary = full[0]
    one = np.flatnonzero(summary["target"].values == "cartesian")[:1]
    assert words(draw(name, only(full, one)))
    diverged = summary.assign(diverged=("network", np.ones(summary.sizes["network"], bool)))
    assert words(draw(name, (diverged, *full[1:])))
    assert words(draw(name, (summary, [], full[2])))


@pytest.mark.parametrize("name", NAMES)
def test_a_study_of_coordinates_alone_is_no_error(name, full):
    summary = full[0]
    rows = np.flatnonzero(summary["target"].values == "polar")
    spec = json.loads(str(summary["spec"].values[rows[0]]))
    alone = summary.isel(network=rows).assign_attrs(defaults=json.dumps(spec))
    assert words(draw(name, (alone, [], full[2])))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("overview", "Too few networks"),
        ("result_1", "none with low error"),
        ("result_2", "chance not known"),
        ("result_4", "no network with 3 significant units"),
        ("result_5", "no heterogeneous"),
        ("chance", "no surrogates were scored"),
        ("lattices", "no surrogates were scored, so no lattice is drawn"),
    ],
)
def test_what_is_missing_is_said_in_words(name, text, tiny):
    assert any(text in shown.get_text() for shown in words(draw(name, tiny)))


def test_one_width_is_no_width_series(full):
    reference = comparisons.select(full[0])["network"].values
    rows = np.flatnonzero(np.isin(full[0]["network"].values, reference))
    shown = [t.get_text() for t in words(draw("result_3", only(full, rows)))]
    assert shown == ["needs networks at 2 or more widths, found 1"]


@pytest.mark.parametrize("name", ["overview", "result_4"])
def test_drawing_again_gives_the_same_bytes(name, full, tmp_path):
    first, again = (
        style.save_figure(draw(name, full), tmp_path / n / name) for n in ("one", "two")
    )
    assert [path.suffix for path in first] == [".pdf", ".png", ".svg"]
    for one, two in zip(first, again, strict=True):
        assert one.read_bytes() == two.read_bytes()
    assert sorted((tmp_path / "one").iterdir()) == first


def test_drawing_leaves_the_callers_settings_alone(tiny):
    with matplotlib.rc_context({"font.size": 23.0, "image.cmap": "magma"}):
        figure = draw("result_1", tiny)
        assert matplotlib.rcParams["font.size"] == 23.0
        assert all(text.get_fontsize() < 10 for text in words(figure))


def test_every_target_has_its_own_colour_and_name():
    for fact in ("colour", "short", "label"):
        found = [getattr(facts, fact) for facts in catalogue().values()]
        assert len(set(found)) == len(found) == len(targets.REGISTRY)


def test_a_target_that_somebody_adds_has_a_name_and_is_grey(full):
    assert style.name(full[0], "ring_of_fields") == "ring of fields"
    assert style.colour("ring_of_fields") not in [facts.colour for facts in catalogue().values()]
    summary = full[0]
    added = np.where(summary["target"] == "polar", "ring_of_fields", summary["target"])
    study = (summary.assign_coords(target=("network", added)), *full[1:])
    assert any(t.get_text() == "ring of fields" for t in words(draw("result_1", study)))


def test_p_values_are_short_enough_for_a_narrow_column():
    shown = {0.0005: "p < 0.001", 0.0124: "p = 0.012", 0.0501: "p = 0.050", 0.2: "p = 0.20"}
    assert {value: style.p_text(value) for value in shown} == shown
    assert style.p_text(np.nan) == ""


def test_labels_of_close_widths_do_not_touch():
    widths = [0.08, 0.10, 0.11, 0.12, 0.13, 0.15, 0.20]
    with matplotlib.rc_context(style.RC):
        figure = style.figure(height=72)
        axes = figure.subplots(1, 3)[0]  # as narrow as the panels of Result 3
        axes.plot(widths, widths)
        style.width_ticks(axes, widths)
        figure.draw_without_rendering()
    np.testing.assert_allclose(axes.get_xticks(), widths)
    boxes = [t.get_window_extent() for t in axes.get_xticklabels() if t.get_text()]
    assert len(boxes) == 5
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_the_drawn_cell_is_one_near_the_middle():
    activity, centre = tuning.central_cell({"target": "difference_of_softmaxes"})
    assert np.hypot(*centre) < 0.2
    peak = np.unravel_index(activity.argmax(), activity.shape)
    side = np.linspace(-1.1, 1.1, tuning.SIDE)
    assert np.hypot(side[peak[1]] - centre[0], side[peak[0]] - centre[1]) < 0.1


def test_an_equal_amplitude_difference_of_gaussians_is_lowest_on_its_ring():
    distance, activity = tuning.radial_profile({"target": "difference_of_gaussians"})
    # 2 sigma s sqrt(ln s / (s^2 - 1)) at sigma = 0.12 m and s = 2, to the width of a ring
    assert distance[activity.argmin()] == pytest.approx(0.231, abs=0.035)
    distance, activity = tuning.radial_profile({"target": "difference_of_softmaxes"})
    assert distance[activity.argmax()] < 0.07


@pytest.mark.parametrize("name", [*NAMES, "claims", "summary", "workflow"])
def test_every_caption_is_written_from_the_config(name):
    thresholds = {"position_error": 0.085, "position_error_horizon": 20, "grid_cells": 0.77}
    config = {"study": "laptop", "thresholds": thresholds}
    source = (CAPTIONS / f"{'figures' if name in NAMES else name}.rst").read_text()
    template = jinja2.Template(source, undefined=jinja2.StrictUndefined)
    shown = template.render(snakemake={"config": config, "wildcards": {"figure": name}}).strip()
    assert len(shown) > 200
    assert shown.startswith("**" + name.replace("_", " ").capitalize()) or name == "workflow"
    assert ("0.77" in shown) == (name in WITH_THRESHOLD)
