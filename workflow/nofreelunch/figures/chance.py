"""Chance figure: each unit's grid score against its surrogates, p-values, grid fractions."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nofreelunch.figures import style
from nofreelunch.findings import comparisons, network_measures, verdicts

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


@style.styled
def draw(
    summary: xr.Dataset, theory: Sequence[xr.Dataset], scores: Callable[[str], xr.Dataset]
) -> Figure:
    """Score and surrogates of each unit; p-values of all units; grid fraction of every network."""
    columns = {
        target: comparisons.of_target(summary, target)
        for target in comparisons.compared_targets(summary)
    }
    columns = {t: networks for t, networks in columns.items() if networks.sizes["network"]}
    below = 26 + 6 * max(len(columns), 6)
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
    left, right = bottom.subplots(1, 2, width_ratios=[1, 1.25])
    _p_values(left, columns)
    _fractions(right, columns)
    for letter, axes in zip("abc", (panels[0], left, right), strict=True):
        style.letter(axes, letter)
    bottom.legend(handles=_legend(), loc="outside lower center", ncols=4)
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
    title = f"{style.name(target)}\n{passed.sum()} of {passed.size} significant"
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
    axes.set_title("p-values of all active units")
    axes.text(0.97, 0.03, "colours as in c", transform=axes.transAxes, ha="right", va="bottom")


def _fractions(axes: Axes, columns: dict[str, xr.Dataset]) -> None:
    """A row per target: grid fractions of its networks; counts of dead, constant and all units."""
    for row, (target, networks) in enumerate(columns.items()):
        fraction, colour = 100 * network_measures.grid_fraction(networks), style.colour(target)
        style.draw_interval(axes, row, verdicts.over_seeds(fraction), colour, across=True)
        style.draw_dots(axes, row, fraction, colour, across=True)
        units = network_measures.unit_counts(networks)
        counts = f"{units.dead} / {units.constant} / {units.present}"
        axes.text(1.02, row, counts, transform=axes.get_yaxis_transform(), va="center")
    axes.text(1.02, -0.85, "dead / constant / all", transform=axes.get_yaxis_transform())
    axes.set_yticks(range(len(columns)), [style.name(target) for target in columns])
    for text, target in zip(axes.get_yticklabels(), columns, strict=True):
        text.set_color(style.colour(target))
    axes.set_ylim(len(columns) - 0.5, -0.6)
    right = max(2.0, 1.05 * axes.get_xlim()[1])
    axes.set_xlim(-0.02 * right, right)
    axes.set_xlabel("grid fraction (% of active units)")
    axes.set_title("Significant units of each network", loc="left")


def _legend() -> list[Line2D]:
    grey = "#777777"
    return [
        Line2D([], [], color=style.CHANCE, **OTHER, label="active unit, not significant (a)"),
        Line2D([], [], color=style.CHANCE, linewidth=0.8, label="chance (a, b)"),
        Line2D([], [], color=grey, **style.DOT, label="network (c)"),
        Line2D([], [], color=grey, marker="|", label="mean, 95 % interval (Student)"),
    ]
