"""Chance figure: grid scores, p-values and grid fractions against what chance gives."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nofreelunch.figures import style
from nofreelunch.findings import comparisons, network_measures, verdicts
from nofreelunch.scoring.significance import LEVEL

PANELS = 4  # targets whose units are shown one by one
SCORE_LIMITS = (-1.0, 1.6)
SMALLEST_SHARE = 0.05  # %; lower end of the axis of shares
OTHER: dict[str, Any] = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 1.6,
    "markeredgewidth": 0,
}
PASSED: dict[str, Any] = OTHER | {"markersize": 2.6}
SIZE: dict[str, Any] = {
    "linestyle": "none",
    "marker": "*",
    "markersize": 6,
    "color": style.INK,
    "zorder": 5,
}
DETECTED: dict[str, Any] = {"color": style.INK, "linewidth": 0.8, "linestyle": "--", "zorder": 1}


@style.styled
def draw(
    summary: xr.Dataset, theory: Sequence[xr.Dataset], scores: Callable[[str], xr.Dataset]
) -> Figure:
    """Units against their own surrogates; then, by target, scores, p-values and what they say."""
    columns = {
        target: comparisons.of_target(summary, target)
        for target in comparisons.compared_targets(summary)
    }
    columns = {t: networks for t, networks in columns.items() if networks.sizes["network"]}
    below = 40 + 10 * max(len(columns), 6)
    figure = style.figure(height=52 + below)
    if not any(np.isfinite(network_measures.grid_fraction(n)).any() for n in columns.values()):
        style.missing(figure.subplots(), "no surrogates were scored, so chance is not known")
        return figure
    top, bottom = figure.subfigures(2, 1, squeeze=False, height_ratios=[52, below])[:, 0]
    shown = _shown(list(columns))
    panels = top.subplots(1, len(shown), sharex=True, sharey=True, squeeze=False)[0]
    for axes, target in zip(panels, shown, strict=True):
        _units(axes, target, columns[target], scores)
    panels[0].set_ylabel("grid score")
    top.supxlabel("score that 5 % of the unit's surrogates exceed", fontsize=7)
    (scored, tested), (fractions, lattices) = bottom.subplots(2, 2, width_ratios=[1.05, 1])
    _scores(scored, columns)
    _p_values(tested, columns)
    _fractions(fractions, columns)
    _lattices(lattices, columns)
    for axes in (scored, fractions):
        _targets(axes, columns)
    lattices.set_yticks([])
    lattices.set_ylim(fractions.get_ylim())
    for letter, axes in zip("abcde", (panels[0], scored, tested, fractions, lattices), strict=True):
        style.letter(axes, letter)
    bottom.legend(handles=_legend(summary), loc="outside lower center", ncols=3)
    return figure


def _shown(targets: list[str]) -> list[str]:
    """The targets to show: the last few, which are said to work best, and one of coordinates."""
    last_first = targets[::-1]
    return last_first if len(targets) <= PANELS else [*last_first[: PANELS - 1], targets[0]]


def _units(axes: Axes, target: str, networks: xr.Dataset, scores: Callable) -> None:
    """One dot per active unit: its score against the 95th percentile of its surrogates' scores."""
    axes.plot(SCORE_LIMITS, SCORE_LIMITS, color=style.CHANCE, linewidth=0.8, zorder=1)
    found = [_of_network(scores, *pair) for pair in _named(networks)]
    null, score, passed = (np.concatenate(parts) for parts in zip(*found, strict=True))
    axes.plot(null[~passed], score[~passed], color=style.CHANCE, rasterized=True, **OTHER)
    axes.plot(null[passed], score[passed], color=style.colour(target), rasterized=True, **PASSED)
    axes.axhline(networks.attrs["grid_cell_threshold"], color=style.INK, linewidth=0.6, ls=":")
    title = f"{style.name(networks, target)}\n{passed.sum()} of {passed.size} significant"
    axes.set_title(title, color=style.colour(target))
    axes.set_xlim(-0.3, SCORE_LIMITS[1])
    axes.set_ylim(*SCORE_LIMITS)


def _named(networks: xr.Dataset) -> zip:
    return zip(networks["cohort"].values, networks["network"].values, strict=True)


def _of_network(
    scores: Callable, cohort: str, network: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Score that 5 % of surrogates exceed, score and significance (unit,) of active units."""
    with scores(cohort) as opened:
        units = opened.sel(network=network)
        score = units["score_60"].sel(definition=network_measures.DEFINITION).values
        active, passed = (units[k].values.astype(bool) for k in ("active", "significant"))
        return units["null_95"].values[active], score[active], passed[active]


def _scores(axes: Axes, columns: dict[str, xr.Dataset]) -> None:
    """A row per target: units above the score in its networks, and surrogates of each kind."""
    threshold = next(iter(columns.values())).attrs["grid_cell_threshold"]
    for row, (target, networks) in enumerate(columns.items()):
        share = 100 * network_measures.share_above(networks, threshold)
        _row(axes, row, target, networks, share)
        style.draw_chance(axes, row, networks, threshold, across=True)
    _from_zero(axes, 2.0)
    axes.set_xlabel(f"units with a grid score > {threshold:g} (%)")
    axes.set_title("Grid-like units of each network", loc="left")


def _p_values(axes: Axes, columns: dict[str, xr.Dataset]) -> None:
    """Share of active units with a p-value as small or smaller, against what chance gives."""
    ends = np.array([1e-4, 1.0])
    axes.plot(ends, 100 * ends, color=style.CHANCE, linewidth=0.8)
    least = 1.0
    for target, networks in columns.items():
        p_value = np.sort(networks["p_value"].values[networks["active"].values.astype(bool)])
        p_value = p_value[np.isfinite(p_value)]
        if p_value.size:
            share = 100 * np.arange(1, p_value.size + 1) / p_value.size
            axes.plot(p_value, share, drawstyle="steps-post", color=style.colour(target))
            least = min(least, p_value[0])
    axes.plot(LEVEL, 100 * next(iter(columns.values())).attrs["test_size"], **SIZE)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(0.8 * least, 1)
    axes.set_ylim(SMALLEST_SHARE, 130)
    for axis, values in ((axes.xaxis, (0.001, 0.01, 0.1, 1)), (axes.yaxis, (0.1, 1, 10, 100))):
        axis.set_ticks([v for v in values if axis is axes.yaxis or v >= 0.8 * least])
        axis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.set_minor_formatter("")
    axes.set_xlabel("p-value")
    axes.set_ylabel("active units with one as small (%)")
    axes.set_title("p-values of all active units", loc="left")
    axes.text(0.97, 0.03, "colours as in b", transform=axes.transAxes, ha="right", va="bottom")


def _fractions(axes: Axes, columns: dict[str, xr.Dataset]) -> None:
    """A row per target: grid fractions of its networks; counts of dead, constant and all units."""
    for row, (target, networks) in enumerate(columns.items()):
        _row(axes, row, target, networks, 100 * network_measures.grid_fraction(networks))
        units = network_measures.unit_counts(networks)
        counts = f"{units.dead} / {units.constant} / {units.present:,}"
        axes.text(1.02, row, counts, transform=axes.get_yaxis_transform(), va="center")
    axes.text(1.02, -0.85, "dead / constant / all", transform=axes.get_yaxis_transform())
    least = 100 * network_measures.least_fraction(next(iter(columns.values())))
    axes.axvline(least, **DETECTED)
    _from_zero(axes, max(2.0, 1.3 * least))
    axes.set_xlabel("grid fraction (% of active units)")
    axes.set_title("Significant units of each network", loc="left")


def _lattices(axes: Axes, columns: dict[str, xr.Dataset]) -> None:
    """A row per target: bounds on the share of lattices; the power of the test."""
    for row, (target, networks) in enumerate(columns.items()):
        found = network_measures.lattices(networks)
        known = np.isfinite(found.low) and np.isfinite(found.high)
        if known:
            ends = 100 * np.array([found.low, found.high])
            axes.plot(ends, [row, row], color=style.colour(target), linewidth=2.2, alpha=0.55)
        if known and np.isfinite(found.share):
            axes.plot(100 * found.share, row, "o", markersize=5, color=style.colour(target))
        power = f"{100 * found.power:.0f} %" if np.isfinite(found.power) else "–"
        axes.text(1.02, row, power, transform=axes.get_yaxis_transform(), va="center")
    axes.text(1.02, -0.85, "power", transform=axes.get_yaxis_transform())
    axes.set_xlim(-2, 102)
    axes.set_xlabel("active units (%)")
    axes.set_title("Units that may be lattices", loc="left")


def _row(axes: Axes, row: int, target: str, networks: xr.Dataset, shares: np.ndarray) -> None:
    """Mean share in %, its interval, and one dot per network."""
    colour = style.colour(target)
    style.draw_interval(axes, row, verdicts.over_seeds(shares), colour, across=True)
    learnt = comparisons.learnt(networks)
    style.draw_dots(axes, row, shares, colour, across=True, learnt=learnt)


def _targets(axes: Axes, columns: dict[str, xr.Dataset]) -> None:
    """Names of the targets beside their rows."""
    axes.set_yticks(
        range(len(columns)), [style.name(networks, target) for target, networks in columns.items()]
    )
    for text, target in zip(axes.get_yticklabels(), columns, strict=True):
        text.set_color(style.colour(target))
    axes.set_ylim(len(columns) - 0.5, -0.6)


def _from_zero(axes: Axes, least: float) -> None:
    """Let the axis of shares (%) begin just below 0, so that dots there are whole."""
    right = max(least, 1.05 * axes.get_xlim()[1])
    axes.set_xlim(-0.02 * right, right)


def _legend(summary: xr.Dataset) -> list[Line2D]:
    grey = "#777777"
    return [
        Line2D([], [], color=style.CHANCE, **OTHER, label="active unit, not significant (a)"),
        Line2D([], [], color=style.CHANCE, linewidth=0.8, label="chance (a, c)"),
        Line2D([], [], **SIZE, label="measured size of the test (c)"),
        *style.chance_handles(summary),
        Line2D([], [], **DETECTED, label="smallest fraction that can be found (d)"),
        Line2D([], [], color=grey, **style.DOT, label="network (b, d)"),
        Line2D([], [], color=grey, **style.NOT_LEARNT, label="network of a target not learnt"),
        Line2D([], [], color=grey, marker="|", label="mean, 95 % interval (Student)"),
    ]
