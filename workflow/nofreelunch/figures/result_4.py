"""Result 4: periods of grid-like units against the width of place cells; one module or several."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nofreelunch import measures, reference, series, statistics
from nofreelunch.figures import style
from nofreelunch.verdicts import counted

BANDWIDTH = 0.05  # m; that of the talk, one bin
BIOLOGY = "#009E73"
NONE = f"no network with {measures.FEWEST_UNITS} periods"


@style.styled
def draw(
    summary: xr.Dataset, theory: Sequence[xr.Dataset], rate_maps: Callable[[str], xr.Dataset]
) -> Figure:
    """Densities of periods at each width; the median period of every network, and the spread of the
    periods within it beside the ratios of modules within an animal."""
    figure = style.figure(height=105)
    axes = figure.subplot_mosaic("ab;ac", width_ratios=[1.15, 1], height_ratios=[1.3, 1])
    for letter, panel in axes.items():
        style.letter(panel, letter)
    threshold = measures.period_threshold(summary)
    rows = {width: _row(networks, threshold) for width, networks in series.widths(summary).items()}
    rows = {width: row for width, row in rows.items() if row.like.size + row.significant.size}
    colour = style.colour(series.defaults(summary)["target"])
    if rows:
        _densities(axes["a"], rows, colour, summary.attrs["arena"])
        axes["a"].set_title(f"Periods: grid score > {threshold:g} (light), significant ★ (dark)")
    else:
        missing = f"no unit of the width series has a score\nabove {threshold:g} or is significant"
        style.missing(axes["a"], missing)
    _against_width(axes["b"], summary, measures.predicted_periods(summary, theory), colour)
    _spreads(axes["c"], summary, threshold, colour)
    for panel in "bc":
        axes[panel].set_xlabel("place-cell width σ (m)")
    axes["c"].sharex(axes["b"])
    return figure


class Row(NamedTuple):
    """The periods, m, of the grid-like and of the significant units of one width, and what is said
    of them."""

    like: np.ndarray
    significant: np.ndarray
    label: str


def _row(networks: xr.Dataset, threshold: float) -> Row:
    like = np.concatenate(measures.periods(networks, threshold))
    significant = np.concatenate(measures.significant_periods(networks))
    found = measures.pooled_modules(networks)
    modules = f"{found.count} module{'s' * (found.count != 1)} [{found.low:.0f}, {found.high:.0f}]"
    if not found.count:
        modules = "too few to count"
    units = f"{like.size} unit{'s' * (like.size != 1)}, {counted(networks.sizes['network'])}"
    return Row(like, significant, f"{units}\n{significant.size} ★: {modules}")


def _densities(axes: Axes, rows: dict[float, Row], colour: str, longest: float) -> None:
    """Per width, wider ones above, the density of the periods of grid-like units and, on the same
    scale, a histogram of the significant ones, pooled over networks, up to the period `longest`."""
    grid, bins = np.linspace(0, longest, 441), np.arange(0, longest + BANDWIDTH, BANDWIDTH)
    curves, bars = {}, {}
    for width, (like, significant, _) in rows.items():
        curves[width] = np.nan_to_num(statistics.kernel_density(like, grid, BANDWIDTH))
        scale = BANDWIDTH * max(like.size, significant.size)
        bars[width] = np.histogram(significant, bins)[0] / scale
    step = 0.75 * max(max(curves[width].max(), bars[width].max()) for width in rows)
    for base, (width, row) in zip(step * np.arange(len(rows)), rows.items(), strict=True):
        curve = base + curves[width]
        axes.fill_between(grid, base, curve, color=colour, alpha=0.3, linewidth=0)
        axes.plot(grid, curve, color=colour, linewidth=0.9)
        axes.stairs(base + bars[width], bins, baseline=base, color=colour, fill=True, alpha=0.8)
        left, right = (
            curves[width][part].sum() for part in (grid < 0.4 * longest, grid > 0.6 * longest)
        )
        side = {"ha": "left", "x": 0.01} if left <= right else {"ha": "right", "x": 0.99}
        place = {"transform": axes.get_yaxis_transform(), "va": "bottom", "linespacing": 1.1}
        axes.text(y=base + 0.06 * step, s=row.label, **side, **place)
    axes.set_yticks(step * np.arange(len(rows)), [f"{width:.2f} m" for width in rows])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.05 * step, None)
    axes.set_xlim(0, longest)
    axes.set_xlabel("period (m)")
    axes.set_ylabel(f"place-cell width σ; density of periods (1/m), lines {step:.1f} apart")


def _against_width(
    axes: Axes, summary: xr.Dataset, predicted: dict[float, float], colour: str
) -> None:
    """Every network's median period, the theory's line and the talk's modes."""
    width, period, _ = measures.width_and_period(summary)
    for value in np.unique(width):
        style.dots(axes, value, period[width == value], colour, spread=0.002)
    if width.size:
        label = "network, median of its units"
        axes.plot([], [], color=colour, **style.DOT, label=label)
    else:
        axes.text(0.03, 0.97, NONE, transform=axes.transAxes, va="top")
    fit = statistics.trend(width, period)
    if np.isfinite(fit.slope):
        ends = np.array([width.min(), width.max()])
        label = f"line, {fit.slope:.1f} m per m"
        if np.isfinite(fit.low):
            label += f" [{fit.low:.1f}, {fit.high:.1f}]"
        axes.plot(ends, fit.intercept + fit.slope * ends, color=colour, label=label)
    if predicted:
        label = "theory, from the target's spectrum"
        axes.plot(*zip(*predicted.items(), strict=True), "--", color=style.INK, lw=1, label=label)
    axes.plot(reference.WIDTHS, reference.PERIODS, **style.TALK, label="workshop talk, modes")
    axes.set_ylim(0, None)
    axes.set_ylabel("period (m)")
    axes.set_title("Period against place-cell width")
    axes.legend(loc="lower right", borderaxespad=0.2)


def _spreads(axes: Axes, summary: xr.Dataset, threshold: float, colour: str) -> None:
    """How far the periods within each network lie apart, and how far apart modules do."""
    low, high = reference.MODULE_RATIOS
    axes.axhspan(low, high, color=BIOLOGY, alpha=0.25, linewidth=0)
    label = f"two modules of one animal: {low:g} to {high:g}"
    axes.text(
        0.98, (low + high) / 2, label, ha="right", va="center", transform=axes.get_yaxis_transform()
    )
    top, found = high, False
    for width, networks in series.widths(summary).items():
        spread = measures.period_spread(networks, threshold)
        style.dots(axes, width, spread, colour, spread=0.002)
        found = found or bool(np.isfinite(spread).any())
        top = max(top, np.nanmax(spread, initial=top))
    if not found:
        axes.text(0.03, 0.1, "no network with 6 periods", transform=axes.transAxes, va="bottom")
    axes.axhline(1, color=style.CHANCE, linewidth=0.6)
    axes.set_ylim(0.95, 1.05 * top)
    axes.set_ylabel("90th / 10th percentile")
    axes.set_title("Spread of the periods within a network")
