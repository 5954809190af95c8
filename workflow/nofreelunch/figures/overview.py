"""Overview figure: the task, the targets, and which of them give grid-like units."""

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nofreelunch.figures import style, tuning
from nofreelunch.findings import comparisons, network_measures, verdicts
from nofreelunch.task import trajectories

SHOWN_STEPS = 500  # 10 s of walking
WALK_SEED = 3


@style.styled
def draw(
    summary: xr.Dataset, theory: Sequence[xr.Dataset], rate_maps: Callable[[str], xr.Dataset]
) -> Figure:
    """One column per target: one of its cells, the best unit, and the share of every network."""
    columns = {
        target: comparisons.of_target(summary, target)
        for target in comparisons.compared_targets(summary)
    }
    columns = {
        target: networks for target, networks in columns.items() if networks.sizes["network"]
    }
    figure = style.figure(height=94)
    figure.suptitle(headline(columns), fontsize=9, fontweight="bold")
    if not columns:
        style.missing(figure.subplots(), "no network to show")
        return figure
    count = len(columns)
    ratios = {"width_ratios": [2.0, *[1] * count], "height_ratios": [1, 1, 2.2]}
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
        title = style.name(target, lines=True)
        cell.set_title(title, color=style.colour(target), fontsize=7)
        _best(unit, networks, rate_maps)
        _bar(bars, column, networks, style.colour(target))
        if column == 0:
            cell.set_ylabel("target:\none cell")
            unit.set_ylabel("learnt:\nbest unit")
    _finish(bars, count, summary.attrs["grid_cell_threshold"])
    _key(figure.add_subplot(grid[2, 0]))
    return figure


def headline(columns: dict[str, xr.Dataset]) -> str:
    """The study in one sentence: how many targets give more grid-like units than chance.

    A target counts if the interval of its excess over chance lies above zero. Targets with fewer
    than three networks are left out.
    """
    excess = {t: verdicts.over_seeds(network_measures.excess(n)) for t, n in columns.items()}
    tested = {t: e for t, e in excess.items() if e.count >= verdicts.FEWEST_SEEDS}
    if not tested:
        return "Too few networks, or no surrogates, to tell which targets give grid-like units"
    above = [style.name(t) for t, e in tested.items() if e.low > 0]
    of = f"{len(tested)} target{'s' * (len(tested) != 1)}"
    if not above:
        return f"None of {of} gives more grid-like units than chance"
    verb = "gives" if len(above) == 1 else "give"
    return f"{len(above)} of {of} {verb} more grid-like units than chance: {', '.join(above)}"


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


def _best(axes: Axes, networks: xr.Dataset, rate_maps: Callable) -> None:
    units = network_measures.best_units(networks, 1)
    if not units:
        style.missing(axes, "none")
        return
    unit = units[0]
    with rate_maps(unit.cohort) as cohort:
        values = cohort["rate_map"].sel(network=unit.network).isel(unit=unit.unit)
        style.draw_map(axes, values.transpose("y", "x").values)
    axes.set_title(style.score_text(unit.score, unit.significant), pad=2, fontsize=7)


def _bar(axes: Axes, at: int, networks: xr.Dataset, colour: str) -> None:
    threshold = networks.attrs["grid_cell_threshold"]
    share = 100 * network_measures.share_above(networks, threshold)
    axes.bar(at, share.mean(), width=0.62, color=colour, alpha=0.45)
    style.draw_dots(axes, at, share, colour)
    chance = 100 * network_measures.chance_above(networks, threshold)
    known = chance[np.isfinite(chance)]
    if known.size:
        axes.plot([at - 0.38, at + 0.38], [known.mean()] * 2, color=style.INK, linewidth=1.2)
    error = networks["position_error"].sel(horizon=networks.attrs["position_error_horizon"])
    _below(axes, at, f"{share.size}\n{100 * float(error.mean()):.1f}", "center")


def _below(axes: Axes, at: float, text: str, side: str) -> None:
    transform = axes.get_xaxis_transform()
    label = axes.text(at, -0.03, text, transform=transform, ha=side, va="top")
    label.set_in_layout(side == "center")


def _finish(axes: Axes, count: int, threshold: float) -> None:
    axes.set_xlim(-0.5, count - 0.5)
    top = max(3.0, 1.05 * axes.get_ylim()[1])
    axes.set_ylim(-0.025 * top, top)  # room below, so that dots at 0 are whole
    axes.set_xticks([])
    _below(axes, -0.55, "networks\nposition error (cm)", "right")
    axes.set_ylabel(f"grid-like units (%)\n(grid score > {threshold:g})")


def _key(axes: Axes) -> None:
    axes.set_axis_off()
    grey = "#777777"
    handles = [
        Line2D([], [], color=grey, linewidth=6, alpha=0.45, label="mean over networks"),
        Line2D([], [], color=grey, **style.DOT, label="one network (seed)"),
        Line2D([], [], color=style.INK, linewidth=1.2, label="chance (surrogates)"),
    ]
    axes.legend(handles=handles, loc="center left", borderaxespad=0)
