"""Learning curves: loss and position error of every network during training."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nofreelunch.figures import style
from nofreelunch.findings import comparisons

COLUMNS = 4  # two targets side by side, each with its loss and its error
ERRORS = (0.1, 0.3, 1, 3, 10, 30, 100)  # cm, marked on the axis


@style.styled
def draw(
    summary: xr.Dataset, theory: Sequence[xr.Dataset], networks: Callable[[str], xr.Dataset]
) -> Figure:
    """Loss and error of the minibatch against training steps, by target; one line per network."""
    targets = comparisons.compared_targets(summary)
    rows = -(-2 * len(targets) // COLUMNS)
    figure = style.figure(height=12 + 36 * rows)
    panels = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axes in panels[2 * len(targets) :]:
        axes.set_axis_off()
    pairs = panels[: 2 * len(targets)].reshape(-1, 2).tolist()
    for pair, target in zip(pairs, targets, strict=True):
        chosen = summary["network"].values[summary["target"].values == target]
        cohorts = dict.fromkeys(summary["cohort"].sel(network=chosen).values)
        for cohort in cohorts:
            _lines(pair, networks(cohort), set(chosen), style.colour(target))
        _label(pair, style.name(target), len(chosen))
    return figure


def _lines(pair: Sequence[Axes], trained: xr.Dataset, chosen: set, colour: str) -> None:
    look: dict[str, Any] = {"color": colour, "linewidth": 0.6, "alpha": 0.6}
    for k in np.flatnonzero([name in chosen for name in trained["network"].values]):
        step = trained["step"].values[k]
        kept = step > 0
        pair[0].plot(step[kept], trained["loss"].values[k, kept], **look)
        pair[1].plot(step[kept], 100 * trained["position_error"].values[k, kept], **look)


def _label(pair: Sequence[Axes], name: str, count: int) -> None:
    pair[0].set_title(f"{name}, {count} network{'s' * (count > 1)}", loc="left")
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
