"""What single figures show: the units, chance, periods and settings that the summary holds."""

import matplotlib
import numpy as np
import pytest
import xarray as xr
from figure_examples import draw, only, words
from matplotlib.figure import Figure
from matplotlib.text import Text
from nofreelunch.figures import style
from nofreelunch.findings import comparisons, network_measures
from nofreelunch.scoring import grid_scores


def test_only_the_reported_thresholds_have_a_panel(full):
    reported = np.isin(full[0]["threshold"], [0.3, 1.15])
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


def test_the_montage_stars_the_significant_units(full, drawn):
    starred = [t.get_text().endswith("★") for t in map_titles(drawn("result_2", "full"))]
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
    assert study["significant"].any()

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


def test_units_that_are_not_significant_have_a_ring_and_no_lattice(full, drawn):
    with_lattices, without = drawn("lattices", "full"), drawn("lattices", "chanceless")
    assert sum(len(axes.lines) for axes in with_lattices.axes) == 12
    assert not any(axes.lines for axes in without.axes)
    assert [sum(len(a.patches) for a in f.axes) for f in (with_lattices, without)] == [24, 24]
    active = int(comparisons.select(full[0])["units_active"].sum())
    assert without.get_suptitle() == (
        f"DoS: none of {active} active units is significant, so no lattice is drawn; "
        "these have the highest grid scores (above)"
    )
    below = [axes.get_xlabel() for axes in without.axes if axes.patches]
    assert all(text.startswith("p = ") for text in below)


def test_a_significant_unit_without_a_period_has_no_lattice(full):
    figure = draw("lattices", (full[0].assign(period=full[0]["period"] * np.nan), *full[1:]))
    assert not any(axes.lines for axes in figure.axes)
    assert [axes.get_xlabel() for axes in figure.axes if axes.patches] == 12 * ["no period"]


def test_one_significant_unit_is_shown_alone(full):
    networks = comparisons.select(full[0])
    (best,) = network_measures.best_units(networks, 1)
    only_one = (full[0]["network"] == best.network) & (full[0]["unit"] == best.unit)
    figure = draw("lattices", (full[0].assign(significant=only_one), *full[1:]))
    assert len(map_titles(figure)) == 1
    assert "1 of 504 active units is significant (★)" in figure.get_suptitle()


def test_units_are_set_against_their_own_null(full, drawn):
    summary = full[0]
    figure = drawn("chance", "full")
    networks = comparisons.of_target(summary, "difference_of_softmaxes")
    _, others, passed, _ = figure.axes[0].lines
    significant, active = (int(networks[k].sum()) for k in ("significant", "active"))
    assert len(passed.get_xdata()) == significant
    assert len(others.get_xdata()) == active - significant
    assert (passed.get_ydata() > passed.get_xdata()).all()
    assert figure.axes[0].get_title() == f"DoS\n{significant} of {active} significant"


def test_periods_of_significant_units_are_counted_and_so_are_their_modules(full, drawn):
    figure = drawn("result_4", "full")
    shown = " ".join(t.get_text() for t in words(figure))
    for networks in comparisons.widths(full[0]).values():
        number = sum(periods.size for periods in network_measures.significant_periods(networks))
        assert f"{number} ★: 1 module [1, 1]" in shown
    alone = full[0].assign(significant=full[0]["significant"] & False)
    shown = [t.get_text() for t in words(draw("result_4", (alone, *full[1:])))]
    assert sum("0 ★: no period to count" in text for text in shown) == 5
    assert "No significant unit has a period" in " ".join(shown)
    assert "no network with 3 significant units" in shown
    assert "no network with 6 significant units" in shown


def test_the_overview_shows_a_significant_unit_where_there_is_one(full, drawn):
    best = {
        target: network_measures.best_units(networks, 1)[0]
        for target, networks in comparisons.networks_by_target(full[0]).items()
    }
    titles = [title.get_text() for title in map_titles(drawn("overview", "full"))]
    assert titles == [style.score_text(unit.score, unit.significant) for unit in best.values()]
    # A significant unit is preferred to one with a higher score.
    dos = comparisons.of_target(full[0], "difference_of_softmaxes")
    lower = network_measures.best_units(dos, 9)[-1]
    one = (full[0]["network"] == lower.network) & (full[0]["unit"] == lower.unit)
    figure = draw("overview", (full[0].assign(significant=one), *full[1:]))
    assert map_titles(figure)[-1].get_text() == style.score_text(lower.score, True)
    assert not any("★" in t.get_text() for t in map_titles(drawn("overview", "chanceless")))


def test_bars_of_the_overview_are_small_p_values_beside_chance(full, drawn):
    figure = drawn("overview", "full")
    (bars,) = [axes for axes in figure.axes if "with p ≤ 0.05" in axes.get_ylabel()]
    columns = comparisons.networks_by_target(full[0])
    heights = [100 * network_measures.small_p_values(n).mean() for n in columns.values()]
    np.testing.assert_allclose([patch.get_height() for patch in bars.patches], heights)
    flat = [line for line in bars.lines if set(line.get_xdata()) == {0, 1}]
    assert [set(line.get_ydata()) for line in flat if line.get_color() == style.INK] == [{5.0}]
    below = [t.get_text().split("\n") for t in bars.texts]
    dos = comparisons.of_target(full[0], "difference_of_softmaxes")
    error = 100 * float(dos["position_error"].sel(horizon=20).mean())
    assert [f"{int(dos['significant'].sum())} / 504", f"{error:.1f}", "4 / 4"] in below
    assert [
        "significant (★) / active units",
        "position error (cm)",
        "networks below 10 cm",
    ] in below


def test_targets_stand_beside_both_kinds_of_surrogates_and_what_can_be_found(full, drawn):
    figure = drawn("chance", "full")
    scored, _, fractions, lattices = figure.axes[4:8]
    marks = {line.get_marker(): line for line in scored.lines if line.get_color() == style.CHANCE}
    for mark, kind in zip("|x", ("phase", "shuffle"), strict=True):
        chance = full[0]["chance_fraction_above"].sel(kind=kind, threshold=0.8).values[0]
        assert marks[mark].get_xdata() == pytest.approx(100 * chance)
    limits = [line for line in fractions.lines if line.get_linestyle() == "--"]
    least = 100 * network_measures.least_fraction(full[0])
    assert [set(line.get_xdata()) for line in limits] == [{least}]
    assert [t.get_text() for t in lattices.texts if t.get_text() != "e"] == [*9 * ["80 %"], "power"]


def test_widths_that_have_not_learnt_are_marked_and_not_on_the_line(drawn):
    for axes in drawn("result_3", "unlearnt").axes:
        squares = [line for line in axes.lines if line.get_marker() == "s"]
        assert sorted(np.round([s.get_xdata().mean() for s in squares], 2)) == [0.08, 0.10]
        assert {line.get_color() for line in squares} == {style.CHANCE}
        (mean,) = [line for line in axes.lines if line.get_linestyle() == "-" and on(line, 3)]
        assert mean.get_xdata().tolist() == [0.12, 0.15, 0.20]
    said = "not learnt: most errors above 10 cm"
    assert said in legend(drawn("result_3", "unlearnt"))
    assert said not in legend(drawn("result_3", "full"))


def on(line, points: int) -> bool:
    return len(line.get_xdata()) == points


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_both_kinds_of_surrogates_have_a_line_against_width(full, drawn):
    for axes, level in zip(drawn("result_3", "full").axes, (0.3, 0.8, 1.15), strict=True):
        for kind, dash in (("phase", "--"), ("shuffle", ":")):
            (line,) = [line for line in axes.lines if line.get_linestyle() == dash]
            chance = full[0]["chance_fraction_above"].sel(kind=kind, threshold=level).values[0]
            np.testing.assert_allclose(line.get_ydata(), 100 * chance)


def test_periods_of_widths_that_have_not_learnt_are_marked(full, unlearnt):
    for study, squares in ((full, 0), (unlearnt, 2)):
        for axes in draw("result_4", study).axes[1:]:
            marked = [x for x in axes.lines if x.get_marker() == "s" and len(x.get_xdata())]
            assert len(marked) == squares


def test_settings_that_have_not_learnt_are_marked(drawn):
    axes = drawn("result_5", "unlearnt").axes[1]
    marks = [line.get_marker() for line in axes.lines if line.get_marker() in ("o", "s")]
    assert marks == ["o", "s", "o", "o", "o"]
    labels = [text.get_text().split("\n")[-1] for text in axes.get_yticklabels()]
    assert labels[:2] == ["4 of 4 networks below 10 cm", "0 of 4 networks below 10 cm: not learnt"]


def test_chance_is_of_the_surrogates_that_are_harder_to_beat(full, drawn):
    summary, harder = full[0], full[0]["chance_fraction_above"].max("kind")
    share = 100 * float(harder.sel(threshold=0.8)[0])
    chance = [line for line in drawn("result_5", "full").axes[1].lines if line.get_marker() == "|"]
    grey = [line for line in chance if line.get_color() == style.CHANCE]
    assert [float(line.get_xdata()[0]) for line in grey] == pytest.approx(5 * [share])
    assert any(f"chance {share:.1f} %" in t.get_text() for t in words(drawn("result_2", "full")))
    (crosses, *_) = [line for line in drawn("result_6", "full").axes[0].lines if on(line, 4)]
    np.testing.assert_allclose(crosses.get_ydata(), 100 * harder.values[:, 0])
    passes = 100 * network_measures.some_unit_by_chance(summary, 0.8)[0]
    marks = [line for line in drawn("result_1", "full").axes[1].lines if line.get_marker() == "|"]
    assert float(marks[0].get_xdata()[0]) == pytest.approx(passes)


def test_learning_curves_have_one_colour_per_width_and_say_which_have_not_learnt(unlearnt, drawn):
    figure = drawn("learning_curves", "unlearnt")
    widths = comparisons.widths(unlearnt[0])
    (loss,) = [axes for axes in figure.axes if axes.get_title(loc="left").startswith("DoS by")]
    assert len({line.get_color() for line in loss.lines}) == len(widths)
    dashed = [line for line in loss.lines if line.get_linestyle() == "--"]
    assert len(dashed) == sum(widths[w].sizes["network"] for w in (0.08, 0.10))
    assert legend(figure)[:3] == [
        "0.08 m: 0 of 4 (not learnt)",
        "0.10 m: 0 of 4 (not learnt)",
        "0.12 m: 4 of 4",
    ]
    drawn = sum(len(axes.lines) for axes in figure.axes if axes.get_ylabel() == "loss")
    assert drawn == unlearnt[0].sizes["network"]


def test_a_study_of_one_width_has_no_curves_by_width(full):
    rows = np.isin(full[0]["network"], comparisons.select(full[0])["network"])
    figure = draw("learning_curves", only(full, np.flatnonzero(rows)))
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert [title for title in titles if title] == ["DoS, 4 networks"]
    assert not figure.legends
