"""What a figure shows, as a table: the numbers of each line, point and bar, off the drawing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import matplotlib.colors
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from nofreelunch.figures.style import CHANCE
from nofreelunch.task.catalogue import catalogue

COLUMNS = (
    *("panel", "title", "item", "kind", "series", "target"),
    *("x_axis", "y_axis", "place", "x", "y"),
)
NEAR = 0.5  # of a tick that names a place, such as a target


def figure_table(figure: Figure) -> pd.DataFrame:
    """One row per point that a figure shows.

    Columns: `panel` (number), its `title` and the labels of its axes; `item`, a number that the
    points of one line share; `kind` (points, line, bar, map, or reference for a line across the
    panel); `series`, as the legend names it; `target`, by colour;
    `place`, the word at the nearest tick; `x` and `y`, in the units of the labels. A map is one row
    without x and y: its values are in the files of rate maps.
    """
    figure.draw_without_rendering()  # which fixes ticks and their labels
    names = _legend_names(figure)
    rows = []
    for number, axes in enumerate(figure.axes, 1):
        about, words = {"panel": number, **_about(axes)}, _tick_words(axes)
        for row in _rows(axes, names):
            rows.append(about | row | {"place": _place(words, row["x"], row["y"])})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def to_csv(figure: Figure) -> str:
    """The `figure_table` as CSV, with six digits."""
    return figure_table(figure).to_csv(index=False, float_format="%.6g")


def _about(axes: Axes) -> dict[str, str]:
    texts = {"title": axes.get_title(), "x_axis": axes.get_xlabel(), "y_axis": axes.get_ylabel()}
    return {key: " ".join(text.split()) for key, text in texts.items()}


def _rows(axes: Axes, names: dict[tuple, str]) -> Iterator[dict[str, Any]]:
    bars = [bar for group in axes.containers for bar in group if isinstance(bar, Rectangle)]
    for item, line in enumerate(axes.lines, 1):
        along_x, along_y = line.get_transform().contains_branch_seperately(axes.transData)
        reference = not (along_x and along_y)
        kind = "reference" if reference else "points" if _bare(line) else "line"
        shared = {"kind": kind, "series": _series(line, names), "target": _target(line)}
        for x, y in _points(line)[: 1 if reference else None]:
            place = {"x": x if along_x else np.nan, "y": y if along_y else np.nan}
            yield shared | {"item": item} | place
    for item, bar in enumerate(bars, len(axes.lines) + 1):
        x, y = bar.get_x() + bar.get_width() / 2, bar.get_y() + bar.get_height()
        shared = {"kind": "bar", "series": "", "target": _target(bar)}
        yield shared | {"item": item, "x": x, "y": y}
    for item, _ in enumerate(axes.images, len(axes.lines) + len(bars) + 1):
        shared = {"kind": "map", "series": "", "target": ""}
        yield shared | {"item": item, "x": np.nan, "y": np.nan}


def _points(line: Line2D) -> np.ndarray:
    return np.asarray(line.get_xydata(), float)


def _bare(line: Line2D) -> bool:
    """Whether a line is drawn as marks alone."""
    return line.get_linestyle() in ("None", "none", " ", "") or len(_points(line)) == 1


def _look(line: Line2D) -> tuple:
    width = None if _bare(line) else round(line.get_linewidth(), 2)
    return (*_mark(line), line.get_linestyle(), _colour(line), width, line.get_alpha())


def _mark(line: Line2D) -> tuple:
    return line.get_marker(), line.get_markersize()


def _colour(artist: Any) -> str:
    colour = artist.get_facecolor() if isinstance(artist, Rectangle) else artist.get_color()
    return matplotlib.colors.to_hex(colour)


def _legend_names(figure: Figure) -> dict[tuple, str]:
    """What legends call each look; a mark without its colour stands for those without an entry."""
    names: dict[tuple, str] = {}
    for legend in figure.findobj(Legend):
        for handle, text in zip(legend.legend_handles, legend.get_texts(), strict=True):
            if isinstance(handle, Line2D):
                words = " ".join(text.get_text().split())
                names.setdefault(_look(handle), words)
                if _colour(handle) != CHANCE.lower():  # which no other colour stands for
                    names.setdefault(_mark(handle), words)
    return names


def _series(line: Line2D, names: dict[tuple, str]) -> str:
    own = str(line.get_label())
    if _look(line) in names:
        return names[_look(line)]
    if not own.startswith("_"):
        return own
    return names.get(_mark(line), "") if _bare(line) else ""


def _target(artist: Any) -> str:
    """The target that has the colour of an artist; empty if none has."""
    colour = _colour(artist)
    return next((k for k, facts in catalogue().items() if facts.colour.lower() == colour), "")


def _tick_words(axes: Axes) -> list[dict[float, str]]:
    """For x and for y, the place of each tick and its word; empty on axes of numbers."""
    found = []
    for axis in (axes.xaxis, axes.yaxis):
        words = [" ".join(label.get_text().split()) for label in axis.get_ticklabels()]
        named = dict(zip(map(float, axis.get_ticklocs()), words, strict=False))
        found.append({} if any(map(_is_number, words)) else named)
    return found


def _place(words: list[dict[float, str]], x: float, y: float) -> str:
    """The words at the ticks next to a point."""
    found = []
    for value, named in zip((x, y), words, strict=True):
        near = min(named, key=lambda tick: abs(tick - value), default=np.nan)
        if abs(near - value) <= NEAR:
            found.append(named[near])
    return ", ".join(filter(None, found))


def _is_number(text: str) -> bool:
    with contextlib.suppress(ValueError):
        float(text.replace("−", "-").replace("%", ""))
        return True
    return not text
