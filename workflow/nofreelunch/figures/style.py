"""The look of all figures: sizes, colours, names of targets, and parts that several of them draw.

A target has one colour and one name, which stand in its class. Target colours are the Okabe-Ito
palette, which people with any common colour blindness can tell apart; coordinate targets add two
greys and a dark purple. Sizes are those of print: 180 mm is a double column, and text is never
below 7 pt.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from nofreelunch.findings import comparisons, network_measures
from nofreelunch.findings.verdicts import Estimate, counted
from nofreelunch.scoring.surrogates import LABELS
from nofreelunch.task.catalogue import facts_of

DOUBLE_COLUMN = 180.0  # mm
MILLIMETRES_PER_INCH = 25.4
RESOLUTION = 200  # dots per inch of the PNG files

INK = "#222222"
CHANCE = "#8C8C8C"
UNVISITED = "#D9D9D9"
RATE_COLOURS = "viridis"
TARGET_COLOURS = "cividis"
SIGNED_COLOURS = "PuOr_r"

SCORES = np.linspace(-0.6, 1.5, 211)  # at which survival curves are drawn
DOT: dict[str, Any] = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 3.2,
    "markerfacecolor": "white",
    "markeredgewidth": 0.8,
    "zorder": 4,
}
TALK: dict[str, Any] = {
    "linestyle": "none",
    "marker": "D",
    "markersize": 3.5,
    "markerfacecolor": "none",
    "markeredgewidth": 0.8,
    "color": INK,
    "zorder": 5,
}
NOT_LEARNT: dict[str, Any] = DOT | {"marker": "s"}
CHANCE_MARK: dict[str, Any] = {
    "linestyle": "none",
    "marker": "|",
    "markersize": 9,
    "markeredgewidth": 1.5,
    "color": CHANCE,
}
HARDER = "chance (surrogates that are harder to beat)"
KIND_LINES: tuple[Any, ...] = ("--", ":", "-.")  # of the first kind of surrogates, the second ...
KIND_MARKS = ("|", "x", "+")

RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "axes.titlesize": 7.5,
    "figure.titlesize": 7.5,
    "axes.labelsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.handlelength": 1.2,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.2,
    "image.interpolation": "nearest",
    "pdf.fonttype": 42,
    "axes.unicode_minus": True,
}


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Make a drawing function use the project's settings, whatever the caller's are."""

    @functools.wraps(draw)
    def wrapped(*args, **kwargs) -> Figure:
        with _settings():
            return draw(*args, **kwargs)

    return wrapped


@contextmanager
def _settings() -> Iterator[None]:
    """The project's settings of matplotlib, and its defaults where the project has none."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(RC)
        yield


def figure(height: float, width: float = DOUBLE_COLUMN) -> Figure:
    """An empty figure of `width` x `height` mm that arranges its panels itself."""
    size = (width / MILLIMETRES_PER_INCH, height / MILLIMETRES_PER_INCH)
    made = Figure(figsize=size, layout="constrained", facecolor="white")
    FigureCanvasAgg(made)
    return made


def save_figure(figure: Figure, path: str | Path) -> list[Path]:
    """Write `figure` as `<path>.pdf`, `<path>.png` and `<path>.svg`; returns the three paths.

    No file holds a date or a version, so drawing the same figure again gives the same bytes.
    Each file appears only when it is whole.
    """
    metadata = {
        "pdf": {"CreationDate": None, "ModDate": None, "Producer": None, "Creator": None},
        "png": {"Software": None},
        "svg": {"Date": None, "Creator": None},
    }
    written = []
    with _settings():
        # Once for all three: arranging the panels takes longer than writing a file.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        for kind, entries in metadata.items():
            target = Path(f"{path}.{kind}")
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f".{target.name}.partial")
            figure.savefig(partial, format=kind, dpi=RESOLUTION, metadata=entries)
            if kind == "svg":
                partial.write_text(_numbered(partial.read_text(encoding="utf-8")), encoding="utf-8")
            os.replace(partial, target)
            written.append(target)
    return written


def _numbered(svg: str) -> str:
    """An SVG file in which hashes that name its parts are numbers, in the order of first use.

    matplotlib hashes positions to their last bit, which a layout does not repeat.
    """
    found: dict[str, str] = {}

    def number(use: re.Match[str]) -> str:
        return use[1] + found.setdefault(use[2], f"part-{len(found)}")

    return re.sub(r'(id="|url\(#|href="#)([A-Za-z0-9_]*[0-9a-f]{10})(?=["\)])', number, svg)


def name(networks: xr.Dataset, target: str, lines: bool = False) -> str:
    """Name of a target of `networks`, on one line or, for narrow columns, on several."""
    return comparisons.short_name(networks, target, lines)


def colour(target: str) -> str:
    """Colour of a target in every figure; grey for a target without its own."""
    return facts_of(target).colour


def score_text(value: float, significant: bool = False) -> str:
    """A grid score as text, starred if it is significant.

    It has a proper minus sign, but none before zero.
    """
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−") + " ★" * significant


def p_text(p_value: float) -> str:
    """A p-value as text, with three decimals below 0.1; empty if the unit was not tested."""
    if not np.isfinite(p_value):
        return ""
    if p_value < 0.001:
        return "p < 0.001"
    return f"p = {p_value:.{3 if p_value < 0.1 else 2}f}"


def known_mean(shares: np.ndarray) -> float:
    """Mean, in %, of the shares that are known; NaN if none is."""
    known = shares[np.isfinite(shares)]
    return 100 * float(known.mean()) if known.size else float("nan")


def criterion(summary: xr.Dataset) -> str:
    """The study's error criterion as text, such as "10 cm"."""
    return f"{100 * summary.attrs['position_error_threshold']:g} cm"


def met(networks: xr.Dataset) -> str:
    """How many networks meet the error criterion, as text."""
    found = f"{int(networks['low_error'].sum())} of {counted(networks.sizes['network'])}"
    return f"{found} below {criterion(networks)}"


def network_handles(summary: xr.Dataset) -> list[Line2D]:
    """Entries of a legend: `draw_interval`, and the dots of `draw_dots`."""
    grey = "#777777"
    not_learnt = f"not learnt: most errors above {criterion(summary)}"
    return [
        Line2D([], [], color=grey, label="mean, 95 % interval"),
        Line2D([], [], color=grey, **DOT, label="one network"),
        Line2D([], [], color=grey, **NOT_LEARNT, label=not_learnt),
    ]


def letter(axes: Axes, text: str, offset: float = -3.0) -> None:
    """Panel letter at the upper left of `axes`, `offset` mm from its left edge."""
    shift = offset / MILLIMETRES_PER_INCH * 72
    axes.annotate(
        text,
        (0, 1),
        xycoords="axes fraction",
        xytext=(shift, 4),
        textcoords="offset points",
        fontsize=9,
        fontweight="bold",
        ha="right",
        va="bottom",
    )


def missing(axes: Axes, text: str) -> None:
    """Say in an otherwise empty panel what the study lacks."""
    axes.set_axis_off()
    axes.text(
        0.5,
        0.5,
        text,
        transform=axes.transAxes,
        ha="center",
        va="center",
        color="#555555",
        wrap=True,
    )


def draw_map(axes: Axes, values: np.ndarray, colours: str = RATE_COLOURS, **limits: Any) -> None:
    """Draw a map (y, x) with y up and equal aspect; unvisited bins are grey.

    Colours run from the smallest to the largest value unless `limits` (vmin, vmax) are given.
    """
    shades = matplotlib.colormaps[colours].with_extremes(bad=UNVISITED)
    axes.imshow(np.ma.masked_invalid(values), origin="lower", cmap=shades, aspect="equal", **limits)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_linewidth(0.4)


def draw_interval(
    axes: Axes, at: float, estimate: Estimate, colour: str, across: bool = False
) -> None:
    """Draw a mean share in % as a short bar at `at`, and its interval, if known, as a whisker.

    With `across`, values run along the horizontal axis. The whisker is cut at 0 and 100 %, because
    Student's interval can leave the range of a share.
    """
    centre, marker = _placed(at, estimate.value, across), "|" if across else "_"
    axes.plot(*centre, color=colour, marker=marker, markersize=9, markeredgewidth=2, zorder=3)
    bounds = np.clip([estimate.low, estimate.high], 0, 100)
    if np.isfinite(bounds).all():
        whisker = _placed([at, at], bounds, across)
        axes.plot(*whisker, color=colour, linewidth=1.4, alpha=0.6, zorder=2)


def draw_dots(
    axes: Axes,
    at: float,
    values: np.ndarray,
    colour: str,
    spread: float = 0.12,
    across: bool = False,
    learnt: bool = True,
) -> None:
    """Draw one dot per network at `at`, spread in a fixed order so that none is hidden.

    With `across`, values run along the horizontal axis. Networks that have not learnt are squares.
    """
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    shifts = np.linspace(-spread, spread, values.size) if values.size > 1 else np.zeros(values.size)
    look = DOT if learnt else NOT_LEARNT
    axes.plot(*_placed(at + shifts, values, across), color=colour, **look)


def draw_chance(
    axes: Axes, at: float, networks: xr.Dataset, threshold: float, across: bool = False
) -> None:
    """Draw, for each kind of surrogates, the mean share in % that score above `threshold`."""
    for kind, mark in zip(network_measures.kinds(networks), KIND_MARKS, strict=False):
        share = known_mean(network_measures.chance_above(networks, threshold, kind))
        axes.plot(*_placed(at, share, across), **chance_mark(mark))


def chance_mark(mark: str) -> dict[str, Any]:
    """Look of the mark `mark` of one kind of surrogates; crosses are smaller than bars."""
    return CHANCE_MARK | {"marker": mark, "markersize": 9 if mark == "|" else 5}


def chance_handles(networks: xr.Dataset, lines: bool = False) -> list[Line2D]:
    """Entries of a legend: the mark, or the line, of each kind of surrogates."""
    kinds = network_measures.kinds(networks)
    labels = [f"chance: {LABELS.get(kind, kind)}" for kind in kinds]
    if lines:
        return [
            Line2D([], [], color=CHANCE, linestyle=line, linewidth=1.2, label=label)
            for line, label in zip(KIND_LINES, labels, strict=False)
        ]
    return [
        Line2D([], [], **chance_mark(mark), label=label)
        for mark, label in zip(KIND_MARKS, labels, strict=False)
    ]


def draw_survival(
    axes: Axes, networks: xr.Dataset, colour: str, label: str | None = None, line: str = "-"
) -> None:
    """Share of units above each grid score: thin lines for networks, a thick one for their mean.

    `line` is the style of the thick one.
    """
    curves = network_measures.survival(networks, SCORES)
    curves = np.where(curves > 0, 100 * curves, np.nan)
    axes.plot(SCORES, curves.T, color=colour, linewidth=0.5, alpha=0.6)
    mean = np.nan_to_num(curves).mean(0)
    mean = np.where(mean > 0, mean, np.nan)
    axes.plot(SCORES, mean, color=colour, linewidth=1.8, linestyle=line, label=label)


def survival_axes(axes: Axes, threshold: float) -> None:
    """Scales and labels for survival curves, and a line at the threshold for grid cells."""
    axes.axvline(threshold, color=CHANCE, linewidth=0.6, zorder=0)
    axes.set_yscale("log")
    axes.set_ylim(0.05, 130)
    axes.set_yticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    axes.set_xlim(SCORES[0], SCORES[-1])
    axes.set_xlabel("grid score")
    axes.set_ylabel("units above (%)")


def _placed(at: ArrayLike, value: ArrayLike, across: bool) -> tuple[ArrayLike, ArrayLike]:
    return (value, at) if across else (at, value)


def width_text(width: float) -> str:
    """A place-cell width in m, with two decimals or more."""
    return max(f"{width:g}", f"{width:.2f}", key=len)


def width_ticks(axes: Axes, widths: Sequence[float]) -> None:
    """Ticks at the study's place-cell widths (m), with labels where these are far enough apart."""
    axes.set_xlabel("place-cell width σ (m)")
    apart, labels, last = 0.15 * (max(widths) - min(widths)), [], -np.inf
    for width in widths:
        shown = width - last >= apart
        labels.append(width_text(width) if shown else "")
        last = width if shown else last
    axes.set_xticks(list(widths), labels)
