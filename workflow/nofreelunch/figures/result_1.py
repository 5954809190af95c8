"""Result 1: how many networks have low position error, and how many of these have grid cells."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nofreelunch.figures import style
from nofreelunch.findings import comparisons, network_measures, talks, verdicts

WORKSHOP: dict[str, Any] = {**style.TALK, "marker": "^", "markersize": 5}


@style.styled
def draw(
    summary: xr.Dataset, theory: Sequence[xr.Dataset], rate_maps: Callable[[str], xr.Dataset]
) -> Figure:
    """Shares of networks by target and over all, each with its Wilson interval."""
    networks = comparisons.trained(summary)
    rows = {
        target: _only(networks, networks["target"] == target)
        for target in comparisons.compared_targets(summary)
    }
    rows["all"] = networks
    figure = style.figure(height=24 + 7.5 * len(rows))
    left, right = figure.subplots(1, 2, sharey=True)
    error, horizon = (summary.attrs[f"position_error_{k}"] for k in ("threshold", "horizon"))
    threshold = summary.attrs["grid_cell_threshold"]
    left.set_title(f"Position error below {100 * error:g} cm over {horizon} steps")
    right.set_title(f"Of these, highest grid score at least {threshold:g}")
    for y, (target, chosen) in enumerate(rows.items()):
        colour = style.INK if target == "all" else style.colour(target)
        low = chosen["low_error"].values.astype(bool)
        _share(left, y, chosen, low, colour)
        solving = _only(chosen, chosen["low_error"])
        _share(right, y, solving, solving["has_grid_cells"].values.astype(bool), colour)
        _chance(right, y, solving, threshold)
        _talk(left, right, y, target)
    for letter, axes in zip("ab", (left, right), strict=True):
        style.letter(axes, letter)
        axes.set_xlim(-3, 103)
        axes.set_xlabel("share of networks (%)")
        axes.text(1.02, -0.75, "n / N", transform=axes.get_yaxis_transform(), va="center")
        axes.axhline(len(rows) - 1.5, color=style.INK, linewidth=0.4)
    left.set_yticks(range(len(rows)), [_row_name(*row) for row in rows.items()])
    left.set_ylim(len(rows) - 0.5, -1.1)
    diverged = int(summary["diverged"].sum())
    figure.legend(handles=_legend(), loc="outside lower center", ncols=2)
    if diverged:
        figure.text(0.995, 0.005, f"{diverged} diverged, left out", ha="right", va="bottom")
    return figure


def _only(networks: xr.Dataset, mask: xr.DataArray) -> xr.Dataset:
    return networks.isel(network=np.flatnonzero(mask.values))


def _row_name(target: str, networks: xr.Dataset) -> str:
    return "All networks" if target == "all" else style.name(networks, target)


def _share(axes: Axes, y: int, networks: xr.Dataset, holds: np.ndarray, colour: str) -> None:
    axes.text(
        1.02, y, f"{holds.sum()} / {holds.size}", transform=axes.get_yaxis_transform(), va="center"
    )
    if not holds.size:
        axes.text(50, y, "none with low error", ha="center", va="center", color="#777777")
        return
    share = verdicts.of_share(holds, comparisons.configurations(networks))
    axes.plot([100 * share.low, 100 * share.high], [y, y], color=colour, linewidth=2.2, alpha=0.55)
    axes.plot(100 * share.value, y, marker="o", markersize=5, color=colour, linestyle="none")


def _chance(axes: Axes, y: int, networks: xr.Dataset, threshold: float) -> None:
    """The share of networks that would pass if each unit were one of its surrogates."""
    chance = network_measures.some_unit_by_chance(networks, threshold)
    axes.plot(style.known_mean(chance), y, **style.CHANCE_MARK)


def _talk(left: Axes, right: Axes, y: int, target: str) -> None:
    """The talks' shares; the workshop talk gives them only for all networks together."""
    shares = talks.SHARES_OF_ALL if target == "all" else talks.SHARES_BY_TARGET.get(target)
    if shares:
        for axes, share in zip((left, right), shares[1:], strict=True):
            axes.plot(100 * share, y, **style.TALK)
    if target == "all":
        left.plot(100 * talks.LOW_ERROR.value, y, **WORKSHOP)
        right.plot(100 * talks.GRID_CELLS.value, y, **WORKSHOP)


def _legend() -> list[Line2D]:
    return [
        Line2D([], [], color="#777777", marker="o", label="this study, 95 % interval (Wilson)"),
        Line2D(
            [], [], **style.CHANCE_MARK, label="if units were surrogates (those harder to beat)"
        ),
        Line2D([], [], **style.TALK, label="NeurIPS talk (< 10 cm; score > 0.8)"),
        Line2D([], [], **WORKSHOP, label="workshop talk (< 6 cm; score ≥ 1.2)"),
    ]
