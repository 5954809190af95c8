"""Result 4: periods of significant units against the width of place cells, and grid modules."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nofreelunch.figures import style
from nofreelunch.findings import comparisons, intervals, network_measures, talks
from nofreelunch.findings.verdicts import counted

BANDWIDTH = 0.05  # m; the talk's: one bin
BIOLOGY = "#009E73"
LIKE = "#8C8C8C"  # units that only score high


@style.styled
def draw(
    summary: xr.Dataset, theory: Sequence[xr.Dataset], rate_maps: Callable[[str], xr.Dataset]
) -> Figure:
    """Densities of periods by width, median periods against width, and spreads within networks.

    The spread of the periods in a network is shown beside the ratios of modules in an animal.
    """
    figure = style.figure(height=105)
    axes = figure.subplot_mosaic("ab;ac", width_ratios=[1.15, 1], height_ratios=[1.3, 1])
    for letter, panel in axes.items():
        style.letter(panel, letter)
    threshold = summary.attrs["grid_cell_threshold"]
    rows = {
        width: _row(networks, threshold) for width, networks in comparisons.widths(summary).items()
    }
    rows = {width: row for width, row in rows.items() if row.like.size + row.significant.size}
    colour = style.colour(comparisons.defaults(summary)["target"])
    if rows:
        _densities(axes["a"], rows, colour, summary.attrs["arena"])
        some = any(row.significant.size for row in rows.values())
        bars = (
            "Periods of significant units ★ (bars)" if some else "No significant unit has a period"
        )
        grey = f"grey: grid score > {threshold:g} (random maps look alike)"
        axes["a"].set_title(f"{bars}\n{grey}")
    else:
        missing = f"no unit of the width series has a score\nabove {threshold:g} or is significant"
        style.missing(axes["a"], missing)
    _against_width(axes["b"], summary, network_measures.predicted_periods(summary, theory), colour)
    _spreads(axes["c"], summary, colour)
    for letter in "bc":
        axes[letter].set_xlabel("place-cell width σ (m)")
    axes["c"].sharex(axes["b"])
    return figure


class Row(NamedTuple):
    """One width: periods, m, of its grid-like and of its significant units, and a label."""

    like: np.ndarray
    significant: np.ndarray
    label: str


def _row(networks: xr.Dataset, threshold: float) -> Row:
    like = np.concatenate(network_measures.periods(networks, threshold))
    significant = np.concatenate(network_measures.significant_periods(networks))
    found = network_measures.pooled_modules(networks)
    modules = f"{found.count} module{'s' * (found.count != 1)} [{found.low:.0f}, {found.high:.0f}]"
    if not found.count:
        modules = "too few to count"
    if not significant.size:
        modules = "no period to count"
    learnt = "" if comparisons.learnt(networks) else ", not learnt"
    units = f"{like.size} > {threshold:g}, {counted(networks.sizes['network'])}{learnt}"
    return Row(like, significant, f"{units}\n{significant.size} ★: {modules}")


def _densities(axes: Axes, rows: dict[float, Row], colour: str, longest: float) -> None:
    """Histogram of the periods of significant units at each width, wider ones higher up.

    The grey density of the periods of grid-like units is on the same scale. Both pool networks and
    end at the period `longest`.
    """
    grid, bins = np.linspace(0, longest, 441), np.arange(0, longest + BANDWIDTH, BANDWIDTH)
    curves, bars = {}, {}
    for width, (like, significant, _) in rows.items():
        curves[width] = np.nan_to_num(intervals.kernel_density(like, grid, BANDWIDTH))
        scale = BANDWIDTH * max(like.size, significant.size)
        bars[width] = np.histogram(significant, bins)[0] / scale
    step = 0.95 * max(max(curves[width].max(), bars[width].max()) for width in rows)
    for base, (width, row) in zip(step * np.arange(len(rows)), rows.items(), strict=True):
        curve = base + curves[width]
        axes.fill_between(grid, base, curve, color=LIKE, alpha=0.25, linewidth=0)
        axes.plot(grid, curve, color=LIKE, linewidth=0.9)
        axes.stairs(base + bars[width], bins, baseline=base, color=colour, fill=True, alpha=0.8)
        left, right = (
            curves[width][part].sum() for part in (grid < 0.4 * longest, grid > 0.6 * longest)
        )
        x, side = (0.01, "left") if left <= right else (0.99, "right")
        y, transform = base + 0.06 * step, axes.get_yaxis_transform()
        axes.text(x, y, row.label, transform=transform, ha=side, va="bottom", linespacing=1.1)
    axes.set_yticks(step * np.arange(len(rows)), [f"{width:.2f} m" for width in rows])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.05 * step, None)
    axes.set_xlim(0, longest)
    axes.set_xlabel("period (m)")
    axes.set_ylabel(f"place-cell width σ; density of periods (1/m), lines {step:.1f} apart")


def _against_width(
    axes: Axes, summary: xr.Dataset, predicted: dict[float, float], colour: str
) -> None:
    """Median period of each network's significant units, theory's line and the talk's modes."""
    drawn = unlearnt = False
    for value, networks in comparisons.widths(summary).items():
        learnt = comparisons.learnt(networks)
        rows = network_measures.significant_periods(networks)
        known = network_measures.typical_period(rows)
        known = known[np.isfinite(known)]
        style.draw_dots(axes, value, known, colour, spread=0.002, learnt=learnt)
        drawn, unlearnt = drawn or known.size > 0, unlearnt or (not learnt and known.size > 0)
    if drawn:
        label = "network, median of its units ★"
        axes.plot([], [], color=colour, **style.DOT, label=label)
    else:
        least = network_measures.FEWEST_UNITS
        none = f"no network with {least} significant units"
        axes.text(0.03, 0.97, none, transform=axes.transAxes, va="top")
    if unlearnt:
        axes.plot([], [], color=colour, **style.NOT_LEARNT, label="the same, width not learnt")
    width, means = network_measures.period_by_width(summary)
    fit = intervals.trend(width, means)
    if np.isfinite(fit.slope):
        ends = np.array([width.min(), width.max()])
        label = f"line, {fit.slope:.1f} m per m"
        if np.isfinite(fit.low):
            label += f" [{fit.low:.1f}, {fit.high:.1f}]"
        axes.plot(ends, fit.intercept + fit.slope * ends, color=colour, label=label)
    if predicted:
        label = "theory, from the target's spectrum"
        axes.plot(*zip(*predicted.items(), strict=True), "--", color=style.INK, lw=1, label=label)
    axes.plot(talks.WIDTHS, talks.PERIODS, **style.TALK, label="workshop talk, modes")
    axes.set_ylim(0, None)
    axes.set_ylabel("period (m)")
    axes.set_title("Period against place-cell width")
    axes.legend(loc="lower right", borderaxespad=0.2)


def _spreads(axes: Axes, summary: xr.Dataset, colour: str) -> None:
    """Spread of the periods of each network's significant units, beside ratios of an animal."""
    low, high = talks.MODULE_RATIOS
    axes.axhspan(low, high, color=BIOLOGY, alpha=0.25, linewidth=0)
    label = f"two modules of one animal: {low:g} to {high:g}"
    axes.text(
        0.98, (low + high) / 2, label, ha="right", va="center", transform=axes.get_yaxis_transform()
    )
    top, found = high, False
    for width, networks in comparisons.widths(summary).items():
        spread = network_measures.period_spread(networks)
        learnt = comparisons.learnt(networks)
        style.draw_dots(axes, width, spread, colour, spread=0.002, learnt=learnt)
        found = found or bool(np.isfinite(spread).any())
        top = max(top, np.nanmax(spread, initial=top))
    if not found:
        none = f"no network with {2 * network_measures.FEWEST_UNITS} significant units"
        axes.text(0.03, 0.1, none, transform=axes.transAxes, va="bottom")
    axes.axhline(1, color=style.CHANCE, linewidth=0.6)
    axes.set_ylim(0.95, 1.05 * top)
    axes.set_ylabel("90th / 10th percentile")
    axes.set_title("Spread of the periods within a network")
