"""What the spectra of the targets predict, beside what was measured in each network."""

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nofreelunch.figures import style
from nofreelunch.findings import comparisons, network_measures, predictions, verdicts
from nofreelunch.findings.predictions import Predictions
from nofreelunch.scoring.significance import LEVEL

SIDES = ("ring", "no ring")
GREY = style.DOT | {"markersize": 2.4}


@style.styled
def draw(
    summary: xr.Dataset, theory: Sequence[xr.Dataset], rate_maps: Callable[[str], xr.Dataset]
) -> Figure:
    """Measured against predicted period, shares with a ring and without, and the ROC curve."""
    figure = style.figure(height=78)
    axes = figure.subplots(1, 3, width_ratios=[1, 0.9, 1])
    for letter, panel in zip("abc", axes, strict=True):
        style.letter(panel, letter)
    found = predictions.learnt(predictions.predictions(summary, theory))
    if not found.networks.sizes["network"]:
        for panel in axes:
            style.missing(panel, "no network whose target\nhas a spectrum")
        return figure
    threshold = summary.attrs["grid_cell_threshold"]
    small = network_measures.small_p_values(found.networks)
    _periods(axes[0], found, summary.attrs["arena"])
    _shares(axes[1], found, small)
    excess = f"score > {threshold:g}, less chance"
    seen = predictions.seen_small_p(found)
    _roc(axes[2], found, {f"p ≤ {LEVEL}": seen, excess: predictions.least_excess(found)})
    figure.legend(handles=_legend(found, threshold), loc="outside lower center", ncols=5)
    return figure


def _periods(axes: Axes, found: Predictions, arena: float) -> None:
    """Median period of each network's significant units; grey: of its grid-like units."""
    networks, fewest = found.networks, network_measures.FEWEST_UNITS
    rows = network_measures.periods(networks, networks.attrs["grid_cell_threshold"])
    like = network_measures.typical_period(rows)
    axes.plot(found.period[found.ring], like[found.ring], color=style.CHANCE, **GREY)
    predicted, period = predictions.measured(found)
    colour = style.colour(comparisons.defaults(networks)["target"])
    axes.plot(predicted, period, color=colour, **style.DOT)
    if not period.size:
        none = f"no network with\n{fewest} significant units"
        axes.text(0.03, 0.97, none, transform=axes.transAxes, va="top")
    axes.plot([0, arena], [0, arena], "--", color=style.INK, linewidth=1)
    axes.set_xlim(0, arena)
    axes.set_ylim(0, arena)
    axes.set_aspect("equal")
    axes.set_xlabel("predicted period (m)")
    axes.set_ylabel("median period of a network (m)")
    axes.set_title("Periods")


def _shares(axes: Axes, found: Predictions, small: np.ndarray) -> None:
    """Share of active units with small p-values, one dot per network, by prediction."""
    targets, labels = found.networks["target"].values, []
    for at, (side, chosen) in enumerate(zip(SIDES, (found.ring, ~found.ring), strict=True)):
        names = dict.fromkeys(targets[chosen].tolist())
        shifts = np.linspace(-0.3, 0.3, len(names) + 2)[1:-1]
        for target, shift in zip(names, shifts, strict=True):
            values = 100 * small[chosen & (targets == target)]
            style.draw_dots(axes, at + shift, values, style.colour(target), spread=0.03)
        style.draw_interval(axes, at, verdicts.over_seeds(100 * small[chosen]), style.INK)
        labels.append(f"{side}\n{verdicts.counted(int(chosen.sum()))}")
    chance = 100 * network_measures.chance_of_small_p(found.networks)
    if np.isfinite(chance):
        axes.axhline(chance, color=style.CHANCE, linewidth=1, zorder=0)
    axes.set_xticks([0, 1], labels)
    axes.set_xlim(-0.5, 1.5)
    axes.set_ylim(-0.4, max(10, axes.get_ylim()[1]))
    axes.set_xlabel("spectrum of the target")
    axes.set_ylabel(f"active units with p ≤ {LEVEL} (%)")
    axes.set_title("Lattice-like units")


def _legend(found: Predictions, threshold: float) -> list[Line2D]:
    """What the marks of all panels mean, and the colours of the targets."""
    grey = "#777777"
    targets = dict.fromkeys(found.networks["target"].values.tolist())
    names = {target: style.name(found.networks, target) for target in targets}
    return [
        Line2D([], [], color=grey, **style.DOT, label="network, units ★"),
        Line2D([], [], color=style.CHANCE, **GREY, label=f"a: units > {threshold:g}"),
        Line2D([], [], color=style.INK, linestyle="--", linewidth=1, label="a: equal"),
        Line2D([], [], color=grey, label="b: mean, 95 % interval"),
        Line2D([], [], color=style.CHANCE, linewidth=1, label="b, c: chance"),
        *(Line2D([], [], color=style.colour(t), **style.DOT, label=n) for t, n in names.items()),
    ]


def _roc(axes: Axes, found: Predictions, measures: dict[str, np.ndarray]) -> None:
    """Share of targets with a ring against share without that have at least each mean value."""
    axes.plot([0, 1], [0, 1], color=style.CHANCE, linewidth=1)
    lines = ("-", "--")
    for (name, values), line in zip(measures.items(), lines, strict=True):
        without, with_ring = predictions.roc_curve(found, values)
        if without.size:
            area, low, high = predictions.sorted_by_ring(found, values)[:3]
            label = f"{name}\narea {area:.2f} [{low:.2f}, {high:.2f}]"
            axes.plot(without, with_ring, line, color=style.INK, label=label)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_aspect("equal")
    axes.set_xlabel("targets without a ring (share)")
    axes.set_ylabel("targets with a ring (share)")
    axes.set_title("Ring or none, as a test for lattices")
    if axes.get_legend_handles_labels()[0]:
        clear = {"frameon": True, "framealpha": 0.8, "edgecolor": "none"}
        axes.legend(loc="lower right", borderaxespad=0.2, handletextpad=0.4, **clear)
