"""Maps that grow from the targets alone, and how many are lattices, beside the networks' units."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nofreelunch.figures import style
from nofreelunch.findings import comparisons, network_measures, verdicts
from nofreelunch.findings.predictions import small_p, typical
from nofreelunch.scoring.significance import LEVEL

ROWS = {"linear": "linear", "tanh": "tanh", "relu": "ReLU"}  # of maps, with their labels
GROWN: dict[str, Any] = style.TALK | {"markerfacecolor": style.INK, "markersize": 4}


@style.styled
def draw(
    summary: xr.Dataset, theory: Sequence[xr.Dataset], rate_maps: Callable[[str], xr.Dataset]
) -> Figure:
    """A typical pattern of each target and activation; shares of small p-values with a ReLU."""
    figure = style.figure(height=122)
    grown = _opened(theory, rate_maps)
    columns = {
        target: (networks, of_spec)
        for target, networks in comparisons.networks_by_target(summary).items()
        if (of_spec := _patterns(grown, theory, comparisons.specs(networks)[0])) is not None
    }
    if not columns:
        style.missing(figure.subplots(), "no network whose target\nhas patterns")
        return figure
    figure.set_layout_engine("constrained", w_pad=0.02, h_pad=0.02)
    grid = figure.add_gridspec(2, 1, height_ratios=[1.25, 1])
    above, below = (figure.add_subfigure(grid[row]) for row in (0, 1))
    _maps(above.subplots(len(ROWS), len(columns), squeeze=False), columns)
    left, right = below.subplots(1, 2, sharey=True, width_ratios=[2.9, 1])
    _by_target(left, columns)
    _by_width(right, summary, theory, grown)
    chance = 100 * network_measures.chance_of_small_p(summary)
    for letter, axes in (("b", left), ("c", right)):
        style.letter(axes, letter)
        if np.isfinite(chance) and axes.axison:
            axes.axhline(chance, color=style.CHANCE, linewidth=1, zorder=0)
    top = max(10.0, 1.08 * left.get_ylim()[1])
    left.set_ylim(-0.04 * top, top)  # room below, so that marks at 0 are whole
    left.set_ylabel(f"maps or active units\nwith p ≤ {LEVEL} (%)")
    below.legend(handles=_legend(summary), loc="outside lower center", ncols=5)
    return figure


def _opened(theory: Sequence[xr.Dataset], opened: Callable[[str], xr.Dataset]) -> xr.Dataset:
    """The file of patterns; nothing where the study has no spectra."""
    if not theory:
        return xr.Dataset()
    with opened("patterns") as grown:
        return grown.load()


def _patterns(
    grown: xr.Dataset, theory: Sequence[xr.Dataset], spec: dict[str, Any]
) -> xr.Dataset | None:
    """The patterns of the target that `spec` describes, or None."""
    found = comparisons.theory_of(theory, spec)
    if found is None:
        return None
    rows = np.flatnonzero(grown["spec"].values == found.attrs["spec"])
    return grown.isel(target=rows[0]) if rows.size else None


def _maps(panels: np.ndarray, columns: dict[str, tuple[xr.Dataset, xr.Dataset]]) -> None:
    """One column per target, one row per activation."""
    style.letter(panels[0, 0], "a")
    above = {"xycoords": "axes fraction", "textcoords": "offset points", "ha": "center"}
    for maps, (target, (networks, found)) in zip(panels.T, columns.items(), strict=True):
        name = style.name(networks, target, lines=True)
        maps[0].annotate(name, (0.5, 1), (0, 13), **above, color=style.colour(target))
        for axes, activation in zip(maps, ROWS, strict=True):
            one = typical(found.sel(activation=activation))
            style.draw_map(axes, one["rate_map"].transpose("y", "x").values)
            score = style.score_text(float(one["score_60"]), bool(one["significant"]))
            axes.set_title(score, pad=2, fontsize=7)
    for axes, label in zip(panels[:, 0], ROWS.values(), strict=True):
        axes.set_ylabel(label)


def _by_target(axes: Axes, columns: dict[str, tuple[xr.Dataset, xr.Dataset]]) -> None:
    names = []
    for at, (target, (networks, found)) in enumerate(columns.items()):
        _networks(axes, at, networks, target, 0.1)
        axes.plot(at - 0.25, 100 * small_p(found.sel(activation="relu")), **GROWN)
        names.append(style.name(networks, target, lines=True))
    axes.set_xticks(range(len(columns)), names)
    axes.set_xlim(-0.6, len(columns) - 0.4)


def _by_width(
    axes: Axes, summary: xr.Dataset, theory: Sequence[xr.Dataset], grown: xr.Dataset
) -> None:
    """The default target, against the width of its place cells."""
    widths = {
        width: (networks, 100 * small_p(found.sel(activation="relu")))
        for width, networks in comparisons.widths(summary).items()
        if (found := _patterns(grown, theory, comparisons.specs(networks)[0])) is not None
    }
    if len(widths) < 2:
        style.missing(axes, f"needs 2 or more widths,\nfound {len(widths)}")
        return
    for width, (networks, _) in widths.items():
        _networks(axes, width, networks, comparisons.defaults(summary)["target"], 0.002)
    shares = [share for _, share in widths.values()]
    axes.plot(list(widths), shares, **GROWN | {"linestyle": "-", "linewidth": 0.8})
    style.width_ticks(axes, list(widths))


def _networks(axes: Axes, at: float, networks: xr.Dataset, target: str, spread: float) -> None:
    share = 100 * network_measures.small_p_values(networks)
    style.draw_interval(axes, at, verdicts.over_seeds(share), style.colour(target))
    learnt = comparisons.learnt(networks)
    style.draw_dots(axes, at, share, style.colour(target), spread, learnt=learnt)


def _legend(summary: xr.Dataset) -> list[Line2D]:
    mean, network, not_learnt = style.network_handles(summary)
    network.set_label("units of one network")
    not_learnt.set_label("the same, not learnt")
    return [
        Line2D([], [], **GROWN, label="patterns without a network (ReLU)"),
        network,
        not_learnt,
        mean,
        Line2D([], [], color=style.CHANCE, linewidth=1, label="chance"),
    ]
