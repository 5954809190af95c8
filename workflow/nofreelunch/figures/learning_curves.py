"""Learning curves: loss and position error of every network during training."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nofreelunch.figures import style
from nofreelunch.findings import comparisons
from nofreelunch.findings.verdicts import counted

COLUMNS = 4  # two targets side by side, each with its loss and its error
ROW_HEIGHT = 36.0  # mm
PAGE = 190.0  # mm; rows get lower rather than exceed it
ERRORS = (0.1, 0.3, 1, 3, 10, 30, 100)  # cm, marked on the axis


class Line(NamedTuple):
    """How the curves of some networks are drawn."""

    colour: str
    dash: str = "-"
    width: float = 0.6


@style.styled
def draw(
    summary: xr.Dataset, theory: Sequence[xr.Dataset], networks: Callable[[str], xr.Dataset]
) -> Figure:
    """Loss and error of the minibatch against training steps; one line per network.

    Two panels per target. The networks of the width series have two panels of their own.
    """
    default = comparisons.defaults(summary)["target"]
    widths = comparisons.widths(summary)
    widths = widths if len(widths) > 1 else {}
    apart = [name for chosen in widths.values() for name in chosen["network"].values]
    names = summary["network"].values
    others = {
        target: names[(summary["target"].values == target) & ~np.isin(names, apart)]
        for target in comparisons.compared_targets(summary)
    }
    others = {target: chosen for target, chosen in others.items() if chosen.size}
    count = len(others) + bool(widths)
    rows = -(-2 * count // COLUMNS)
    legend = 4 + 4 * -(-len(widths) // COLUMNS) if widths else 0
    figure = style.figure(height=12 + min(ROW_HEIGHT * max(rows, 1), PAGE) + legend)
    if not count:
        style.missing(figure.subplots(), "every network diverged")
        return figure
    panels = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axes in panels[2 * count :]:
        axes.set_axis_off()
    pairs = panels[: 2 * count].reshape(-1, 2).tolist()
    for pair, (target, chosen) in zip(pairs, others.items(), strict=False):
        _lines(pair, summary, chosen, networks, Line(style.colour(target)))
        rest = widths and target == default
        number = f"other networks: {len(chosen)}" if rest else counted(len(chosen))
        _label(pair, f"{style.name(summary, target)}, {number}")
    if widths:
        figure.legend(
            handles=_widths(pairs[-1], summary, widths, networks),
            title=f"place-cell width σ: networks below {style.criterion(summary)}",
            loc="outside lower center",
            ncols=COLUMNS,
        )
    return figure


def _widths(
    pair: Sequence[Axes], summary: xr.Dataset, widths: dict[float, xr.Dataset], networks: Callable
) -> list[Line2D]:
    """The width series in one colour per width; dashed where most networks have not learnt.

    Returns the entries of the legend.
    """
    shades = matplotlib.colormaps["plasma"](np.linspace(0, 0.85, len(widths)))
    handles = []
    for shade, (width, chosen) in zip(shades, widths.items(), strict=True):
        learnt = comparisons.learnt(chosen)
        line = Line(to_hex(shade), "-" if learnt else "--", 0.9)
        _lines(pair, summary, chosen["network"].values, networks, line)
        met = f"{int(chosen['low_error'].sum())} of {chosen.sizes['network']}"
        label = f"{style.width_text(width)} m: {met}" + " (not learnt)" * (not learnt)
        look: dict[str, Any] = {"color": line.colour, "linestyle": line.dash, "linewidth": 1.2}
        handles.append(Line2D([], [], label=label, **look))
    count = sum(chosen.sizes["network"] for chosen in widths.values())
    name = style.name(summary, comparisons.defaults(summary)["target"])
    _label(pair, f"{name} by width σ, {counted(count)}")
    return handles


def _lines(
    pair: Sequence[Axes], summary: xr.Dataset, chosen: np.ndarray, networks: Callable, line: Line
) -> None:
    """The curves of the `chosen` networks: loss, and error in cm."""
    look: dict[str, Any] = {"color": line.colour, "linestyle": line.dash, "alpha": 0.6}
    look["linewidth"] = line.width
    for cohort in dict.fromkeys(summary["cohort"].sel(network=chosen).values):
        trained = networks(cohort)
        for k in np.flatnonzero(np.isin(trained["network"].values, chosen)):
            step = trained["step"].values[k]
            kept = step > 0
            pair[0].plot(step[kept], trained["loss"].values[k, kept], **look)
            pair[1].plot(step[kept], 100 * trained["position_error"].values[k, kept], **look)


def _label(pair: Sequence[Axes], title: str) -> None:
    pair[0].set_title(title, loc="left")
    pair[0].set_ylabel("loss")
    pair[1].set_ylabel("position error (cm)")
    pair[1].set_yscale("log")
    for axes in pair:
        axes.set_xlabel("training step")
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
        axes.locator_params(axis="x", nbins=4)
    pair[0].ticklabel_format(axis="y", useOffset=False)
    low, high = pair[1].get_ylim()
    low, high = min(low, 50), max(high, 150)
    pair[1].set_ylim(low, high)
    pair[1].set_yticks([y for y in ERRORS if low <= y <= high])
    pair[1].yaxis.set_major_formatter(lambda y, _: f"{y:g}")
    pair[1].yaxis.set_minor_formatter("")
