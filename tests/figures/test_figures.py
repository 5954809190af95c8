"""Figures: drawn for any study, legible, the same every time."""

import importlib
import json
from itertools import pairwise
from pathlib import Path

import jinja2
import matplotlib
import numpy as np
import pytest
import synthetic_summary
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from nofreelunch.figures import overview, style, tuning
from nofreelunch.figures.contents import FIGURES
from nofreelunch.findings import comparisons, network_measures
from nofreelunch.scoring import grid_scores
from nofreelunch.task import targets
from nofreelunch.task.catalogue import catalogue

NAMES = [name for name in FIGURES if name != "learning_curves"]  # which needs trained networks
CAPTIONS = Path(__file__).parents[2] / "workflow" / "report"
SMALLEST = 7  # pt at 180 mm


@pytest.fixture(scope="module")
def full():
    summary = synthetic_summary.make("full")
    return (
        summary,
        synthetic_summary.theory("full"),
        synthetic_summary.rate_maps(summary, bins=11),
    )


@pytest.fixture(scope="module")
def tiny():
    summary = synthetic_summary.make("tiny", learnt=False, chance=False)
    return summary, synthetic_summary.theory("tiny"), synthetic_summary.rate_maps(summary, bins=11)


def draw(name: str, study) -> Figure:
    if name == "chance":
        study = (*study[:2], scores(study[0]))
    return importlib.import_module(f"nofreelunch.figures.{name}").draw(*study)


def scores(summary: xr.Dataset):
    """A function that opens made-up scores of a cohort: nulls of which significant units are free,
    and no other unit is."""
    null = np.where(
        summary["significant"], 0.5, summary["score_60"].sel(definition="min_max") + 0.3
    )
    made = summary[["score_60", "active", "significant"]]
    made = made.assign(null_95=(("network", "unit"), null))
    return lambda cohort: made.isel(network=np.flatnonzero(summary["cohort"].values == cohort))


def words(figure: Figure) -> list[Text]:
    figure.draw_without_rendering()
    return [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]


def only(study, rows) -> tuple:
    summary, theory, rate_maps = study
    return summary.isel(network=rows), theory, rate_maps


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("study", ["full", "tiny"])
def test_a_figure_fits_a_double_column_in_legible_print(name, study, request):
    figure = draw(name, request.getfixturevalue(study))
    assert figure.get_size_inches()[0] * 25.4 == pytest.approx(180)
    assert figure.get_size_inches()[1] * 25.4 < 225
    for text in words(figure):
        assert text.get_fontsize() >= SMALLEST, text.get_text()
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert drawn.x0 > -0.02 and drawn.x1 < width + 0.02
    assert drawn.y0 > -0.02 and drawn.y1 < height + 0.02


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("study", ["full", "tiny"])
def test_no_text_lies_on_another(name, study, request):
    figure = draw(name, request.getfixturevalue(study))
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
        ("result_4", "no network with 3 periods"),
        ("result_5", "no heterogeneous"),
        ("chance", "no surrogates were scored"),
        ("lattices", "no significant unit has a lattice"),
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
    assert [path.suffix for path in first] == [".pdf", ".png"]
    for one, two in zip(first, again, strict=True):
        assert one.read_bytes() == two.read_bytes()
    assert sorted(p.name for p in (tmp_path / "one").iterdir()) == [f"{name}.pdf", f"{name}.png"]


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
    assert style.name("ring_of_fields") == "ring of fields"
    assert style.colour("ring_of_fields") not in [facts.colour for facts in catalogue().values()]
    summary = full[0]
    added = np.where(summary["target"] == "polar", "ring_of_fields", summary["target"])
    study = (summary.assign_coords(target=("network", added)), *full[1:])
    assert any(t.get_text() == "ring of fields" for t in words(draw("result_1", study)))


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


def test_only_the_reported_thresholds_have_a_panel(full):
    reported = np.arange(full[0].sizes["threshold"]) != 1
    study = (full[0].assign_coords(reported=("threshold", reported)), *full[1:])
    assert len(draw("result_3", study).axes) == 2


def test_maps_have_y_up_equal_aspect_and_grey_unvisited_bins(full):
    summary, theory, _ = full
    values = np.zeros((11, 11), np.float32)
    values[-1, :] = 1.0  # the row of the largest y
    values[0, 0] = np.nan

    def rate_maps(name: str) -> xr.Dataset:
        names = summary["network"].values[summary["cohort"].values == name]
        shape = (len(names), summary.sizes["unit"], 11, 11)
        maps = np.broadcast_to(values, shape)
        return xr.Dataset(
            {"rate_map": (("network", "unit", "y", "x"), maps)}, coords={"network": names}
        )

    figure = draw("result_2", (summary, theory, rate_maps))
    images = [image for axes in figure.axes for image in axes.images]
    shown = [image for image in images if image.get_array().shape == (11, 11)]
    assert len(shown) == 8 * len(comparisons.compared_targets(summary))
    for image in shown:
        assert image.origin == "lower"
        assert image.axes.get_aspect() == 1
        assert image.axes.get_ylim()[0] < image.axes.get_ylim()[1]
        np.testing.assert_array_equal(image.get_array()[-1], 1)
        grey = matplotlib.colors.to_rgba(style.UNVISITED)
        assert image.to_rgba(image.get_array(), norm=True)[0, 0] == pytest.approx(grey)


def test_the_montage_stars_the_significant_units(full):
    starred = [t.get_text().endswith("★") for t in map_titles(draw("result_2", full))]
    networks = [
        comparisons.of_target(full[0], target) for target in comparisons.compared_targets(full[0])
    ]
    units = [unit for n in networks for unit in network_measures.best_units(n, 8)]
    assert starred == [unit.significant for unit in units]
    assert 0 < sum(starred) < len(starred)


def map_titles(figure: Figure) -> list[Text]:
    """The titles of the panels with a rate map, in order."""
    return [a.title for a in figure.axes if any(i.get_array().shape == (11, 11) for i in a.images)]


def test_a_lattice_is_drawn_as_it_was_measured_on_the_ring_that_won(full):
    summary, theory, _ = full
    side = np.arange(44) * 0.05
    x, y = np.meshgrid(side, side)
    turned = np.radians([15, 75, 135])  # lattice points at 15° + 30°, 0.7 m away
    waves = [
        np.cos(4 * np.pi / (np.sqrt(3) * 0.7) * (x * np.cos(a) + y * np.sin(a))) for a in turned
    ]
    values = np.maximum(sum(waves), 0)
    chosen = comparisons.select(summary).isel(network=[0])
    found = summary["period"] * 0 + 0.7, summary["orientation"] * 0 + np.radians(45)
    study = summary.assign(period=found[0], orientation=found[1]).sel(network=chosen["network"])

    def rate_maps(name: str) -> xr.Dataset:
        maps = np.broadcast_to(values, (1, summary.sizes["unit"], 44, 44))
        return xr.Dataset(
            {"rate_map": (("network", "unit", "y", "x"), maps)},
            coords={"network": chosen["network"]},
        )

    figure = draw("lattices", (study, theory, rate_maps))
    (below, *_) = [axes for axes in figure.axes if axes.lines]
    assert below.get_xlabel() == "0.70 m, 45°"
    (line,) = below.lines
    points = line.get_xydata()
    correlation = below.images[0].get_array()
    bins = np.rint((points + 2.175) / 0.05).astype(int)  # shift -2.15 m is in bin 0
    peak = [correlation[y, x] for x, y in bins]
    assert min(peak) > 0.8, "the corners of the hexagon are peaks of the autocorrelogram"
    inner, outer = sorted(patch.radius for patch in below.patches)
    assert inner == pytest.approx(0.2 * 2.2)
    assert outer == pytest.approx(float(grid_scores.published_score(values).ring_60) * 2.2)
    assert inner < 0.7 < outer


def test_units_without_a_lattice_are_not_drawn_as_having_one(full):
    summary = full[0].assign(period=full[0]["period"] * np.nan)
    shown = [t.get_text() for t in words(draw("lattices", (summary, *full[1:])))]
    assert shown == ["no unit of the reference networks has a lattice"]


def test_units_are_set_against_their_own_null(full):
    summary = full[0]
    figure = draw("chance", full)
    networks = comparisons.of_target(summary, "difference_of_softmaxes")
    _, others, passed, _ = figure.axes[0].lines
    significant, active = (int(networks[k].sum()) for k in ("significant", "active"))
    assert len(passed.get_xdata()) == significant
    assert len(others.get_xdata()) == active - significant
    assert (passed.get_ydata() > passed.get_xdata()).all()
    assert figure.axes[0].get_title() == f"DoS\n{significant} of {active} significant"


def test_periods_of_significant_units_are_counted_and_so_are_their_modules(full):
    figure = draw("result_4", full)
    shown = " ".join(t.get_text() for t in words(figure))
    for networks in comparisons.widths(full[0]).values():
        number = sum(periods.size for periods in network_measures.significant_periods(networks))
        assert f"{number} ★: 1 module [1, 1]" in shown
    alone = full[0].assign(significant=full[0]["significant"] & False)
    assert "0 ★: too few to count" in " ".join(
        t.get_text() for t in words(draw("result_4", (alone, *full[1:])))
    )


def test_the_headline_counts_the_targets_above_chance(full, tiny):
    summary = full[0]
    columns = {
        target: comparisons.of_target(summary, target)
        for target in comparisons.compared_targets(summary)
    }
    assert overview.headline(columns) == (
        "2 of 9 targets give more grid-like units than chance: General DoG, DoS"
    )
    assert overview.headline({"cartesian": columns["cartesian"]}) == (
        "None of 1 target gives more grid-like units than chance"
    )
    assert overview.headline({}).startswith("Too few networks")


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
    assert ("0.77" in shown) == (
        name in {"overview", "result_1", "result_2", "result_5", "chance", "workflow"}
    )
