"""Overview figure: the task, the targets, and which of them give grid cells."""

import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nofreelunch.figures import style, tuning
from nofreelunch.findings import comparisons, headline, network_measures, verdicts
from nofreelunch.findings.verdicts import percent
from nofreelunch.scoring.significance import LEVEL
from nofreelunch.task import trajectories

SHOWN_STEPS = 500  # 10 s of walking
WALK_SEED = 3
LINE = 84  # letters of the headline that fit a line
WHISKER: dict[str, Any] = {"color": style.INK, "linewidth": 0.8, "alpha": 0.8, "zorder": 3}
NO_SURROGATES = "no surrogates were scored, so chance is not known"


@style.styled
def draw(
    summary: xr.Dataset, theory: Sequence[xr.Dataset], rate_maps: Callable[[str], xr.Dataset]
) -> Figure:
    """One column per target: one of its cells, one unit, and the p-values of every network."""
    columns = comparisons.networks_by_target(summary)
    figure = style.figure(height=102)
    figure.suptitle(_wrapped(headline.answer(columns)), fontsize=9, fontweight="bold")
    if not columns:
        style.missing(figure.subplots(), "no network to show")
        return figure
    count = len(columns)
    ratios = {"width_ratios": [2.2, *[1] * count], "height_ratios": [1, 1.15, 2.3]}
    grid = figure.add_gridspec(3, count + 1, **ratios)
    figure.set_layout_engine("constrained", wspace=0.02, w_pad=0.02, h_pad=0.02)
    _task(figure.add_subplot(grid[:2, 0]), float(summary.attrs["arena"]))
    bars = figure.add_subplot(grid[2, 1:])
    for column, (target, networks) in enumerate(columns.items()):
        cell, unit = (figure.add_subplot(grid[row, column + 1]) for row in (0, 1))
        drawn, _ = tuning.central_cell(
            comparisons.specs(networks)[0], float(summary.attrs["arena"])
        )
        style.draw_map(cell, drawn, colours=style.TARGET_COLOURS)
        title = style.name(networks, target, lines=True)
        cell.set_title(title, color=style.colour(target), fontsize=7)
        _unit(unit, networks, rate_maps)
        _bar(bars, column, networks, style.colour(target))
        if column == 0:
            cell.set_ylabel("target:\none cell")
            unit.set_ylabel("learnt:\nbest unit")
    _finish(bars, count, summary)
    _key(figure.add_subplot(grid[2, 0]), columns)
    return figure


def _wrapped(sentence: str) -> str:
    """A sentence on lines as wide as the figure; numbers stay beside their signs."""
    for pair in (" %", " (", "p ≤ "):
        sentence = sentence.replace(pair, pair.replace(" ", "\N{NO-BREAK SPACE}"))
    return textwrap.fill(sentence, LINE)


def _task(axes: Axes, arena: float) -> None:
    """A walk in the arena, from an open to a filled dot."""
    walk = trajectories.random_walk(1, SHOWN_STEPS, WALK_SEED, arena)["position"].values[0]
    axes.plot(*walk.T, color=style.INK, linewidth=0.8)
    axes.plot(*walk[0], "o", markersize=5, markerfacecolor="white", markeredgecolor=style.INK)
    axes.plot(*walk[-1], "o", markersize=5, color=style.INK)
    half = arena / 2
    axes.set_xlim(-half, half)
    axes.set_ylim(-half, half)
    axes.set_aspect("equal")
    axes.set_xticks([-half, 0, half], [f"−{half:g}", "0", f"{half:g}"])
    axes.set_yticks([-half, 0, half], [f"−{half:g}", "0", f"{half:g}"])
    axes.set_xlabel("x (m)")
    axes.set_ylabel("y (m)")
    axes.set_title("task: from velocity,\nreport position as a target")
    for spine in axes.spines.values():
        spine.set_visible(True)


def _unit(axes: Axes, networks: xr.Dataset, rate_maps: Callable) -> None:
    """The best of the significant units; if there is none, the best of all. Its p-value below."""
    significant = network_measures.best_units(networks, 1, network_measures.significant(networks))
    units = significant or network_measures.best_units(networks, 1)
    if not units:
        style.missing(axes, "none")
        return
    unit = units[0]
    with rate_maps(unit.cohort) as cohort:
        values = cohort["rate_map"].sel(network=unit.network).isel(unit=unit.unit)
        style.draw_map(axes, values.transpose("y", "x").values)
    p_value = networks["p_value"].sel(network=unit.network).isel(unit=unit.unit)
    axes.set_title(style.score_text(unit.score, unit.significant), pad=2, fontsize=7)
    axes.set_xlabel(style.p_text(float(p_value)), labelpad=2)


def _bar(axes: Axes, at: int, networks: xr.Dataset, colour: str) -> None:
    share = 100 * network_measures.small_p_values(networks)
    estimate = verdicts.over_seeds(share)
    if np.isfinite(estimate.value):
        axes.bar(at, estimate.value, width=0.62, color=colour, alpha=0.45)
        axes.plot([at, at], np.clip([estimate.low, estimate.high], 0, 100), **WHISKER)
        style.draw_dots(axes, at, share, colour, learnt=comparisons.learnt(networks))
    error = networks["position_error"].sel(horizon=networks.attrs["position_error_horizon"])
    significant = int(network_measures.significant(networks).sum())
    active = network_measures.unit_counts(networks).active
    met = int(networks["low_error"].sum())
    lines = [
        f"{significant} / {active:,}" if np.isfinite(share).any() else "–",
        f"{100 * float(error.mean()):.1f}",
        f"{met} / {networks.sizes['network']}",
    ]
    _below(axes, at, "\n".join(lines), "center")


def _below(axes: Axes, at: float, text: str, side: str) -> None:
    transform = axes.get_xaxis_transform()
    label = axes.text(at, -0.03, text, transform=transform, ha=side, va="top")
    label.set_in_layout(side == "center")


def _finish(axes: Axes, count: int, summary: xr.Dataset) -> None:
    size = 100 * network_measures.chance_of_small_p(summary)
    if np.isfinite(size):
        axes.axhline(size, color=style.INK, linewidth=1.2)
    else:
        axes.text(0.5, 0.5, NO_SURROGATES, transform=axes.transAxes, ha="center")
        axes.tick_params(axis="y", left=False, labelleft=False)
    axes.set_xlim(-0.5, count - 0.5)
    top = min(max(10.0, 1.05 * axes.get_ylim()[1]), 104.0)
    axes.set_ylim(-0.025 * top, top)  # room below, so that dots at 0 are whole
    axes.set_xticks([])
    axes.locator_params(axis="y", nbins=6, integer=True)
    rows = [
        "significant (★) / active units",
        "position error (cm)",
        f"networks below {style.criterion(summary)}",
    ]
    _below(axes, -0.55, "\n".join(rows), "right")
    axes.set_ylabel(f"active units\nwith p ≤ {LEVEL} (%)")


def _key(axes: Axes, columns: dict[str, xr.Dataset]) -> None:
    axes.set_axis_off()
    grey = "#777777"
    size = network_measures.chance_of_small_p(next(iter(columns.values())))
    chance = f"chance, {percent(size)}" if np.isfinite(size) else "chance"
    handles = [
        Line2D([], [], color=grey, linewidth=6, alpha=0.45, label="mean over networks"),
        Line2D([], [], **WHISKER, label="its 95 % interval"),
        Line2D([], [], color=grey, **style.DOT, label="one network (seed)"),
        Line2D([], [], color=style.INK, linewidth=1.2, label=chance),
    ]
    if not all(comparisons.learnt(networks) for networks in columns.values()):
        label = "target not learnt:\nmost errors too large"
        handles.insert(3, Line2D([], [], color=grey, **style.NOT_LEARNT, label=label))
    axes.legend(handles=handles, loc="upper left", borderaxespad=0)
