"""Result 3: the share of units above each grid score, against the width of place cells."""

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nofreelunch.figures import style
from nofreelunch.findings import comparisons, network_measures, talks, verdicts

SPREAD = 0.003  # m; largest sideways shift of a dot from its width


@style.styled
def draw(
    summary: xr.Dataset, theory: Sequence[xr.Dataset], rate_maps: Callable[[str], xr.Dataset]
) -> Figure:
    """One panel per threshold: every network, mean and interval, chance, and the talk's means."""
    widths = comparisons.widths(summary)
    thresholds = [float(t) for t in summary["threshold"].values[summary["reported"].values]]
    figure = style.figure(height=76)
    if len(widths) < 2:
        style.missing(figure.subplots(), f"needs networks at 2 or more widths, found {len(widths)}")
        return figure
    target = comparisons.defaults(summary)["target"]
    panels = figure.subplots(1, len(thresholds), squeeze=False)[0]
    for letter, axes, threshold in zip("abcdefgh", panels, thresholds, strict=False):
        style.letter(axes, letter)
        axes.set_title(f"grid score > {threshold:g}")
        top = _panel(axes, widths, threshold, style.colour(target))
        talk = talks.UNITS_ABOVE.get(threshold, ())
        axes.plot(talks.WIDTHS[: len(talk)], talk, **style.TALK)
        top = 1.08 * max([top, *talk])
        axes.set_ylim(-0.04 * top, top)
        style.width_ticks(axes, list(widths))
    panels[0].set_ylabel("units (%)")
    counts = {networks.sizes["network"] for networks in widths.values()}
    number = f"{min(counts)}" if len(counts) == 1 else f"{min(counts)} to {max(counts)}"
    figure.suptitle(f"{style.name(summary, target)} targets, {number} networks at each σ")
    handles = _legend(summary, widths, style.colour(target))
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _panel(axes: Axes, widths: dict[float, xr.Dataset], threshold: float, colour: str) -> float:
    """Draw this study's networks; return the largest value (%) that must stay in sight.

    Widths that have not learnt have grey dots alone.
    """
    means, top = {}, 1.0
    for width, networks in widths.items():
        share = 100 * network_measures.share_above(networks, threshold)
        top = max(top, share.max())
        if not comparisons.learnt(networks):
            style.draw_dots(axes, width, share, style.CHANCE, SPREAD, learnt=False)
            continue
        estimate = verdicts.over_seeds(share)
        style.draw_interval(axes, width, estimate, colour)
        style.draw_dots(axes, width, share, colour, SPREAD)
        means[width] = estimate.value
        top = max(top, np.nan_to_num(estimate.high))
    axes.plot(list(means), list(means.values()), color=colour, zorder=3)
    kinds = network_measures.kinds(next(iter(widths.values())))
    for kind, line in zip(kinds, style.KIND_LINES, strict=False):
        chance = [
            style.known_mean(network_measures.chance_above(networks, threshold, kind))
            for networks in widths.values()
        ]
        axes.plot(list(widths), chance, color=style.CHANCE, linewidth=1.2, linestyle=line, zorder=1)
        top = max([top, *np.nan_to_num(chance)])
    return float(min(top, 100))


def _legend(summary: xr.Dataset, widths: dict[float, xr.Dataset], colour: str) -> list[Line2D]:
    label = f"not learnt: most errors above {style.criterion(summary)}"
    not_learnt = Line2D([], [], color=style.CHANCE, **style.NOT_LEARNT, label=label)
    some = not all(comparisons.learnt(networks) for networks in widths.values())
    return [
        Line2D(
            [], [], marker="_", markersize=9, color=colour, label="mean, 95 % interval (Student)"
        ),
        Line2D([], [], color=colour, **style.DOT, label="one network"),
        *([not_learnt] if some else []),
        *style.chance_handles(summary, lines=True),
        Line2D([], [], **style.TALK, label="workshop talk, mean of ≤ 3 seeds"),
    ]
