"""Lattices figure: rate maps above their autocorrelograms, with the ring and the lattice found."""

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from nofreelunch.figures import style
from nofreelunch.findings import comparisons, network_measures
from nofreelunch.scoring import grid_scores
from nofreelunch.scoring.autocorrelograms import autocorrelograms

COLUMNS = 6
UNITS = 2 * COLUMNS


@style.styled
def draw(
    summary: xr.Dataset, theory: Sequence[xr.Dataset], rate_maps: Callable[[str], xr.Dataset]
) -> Figure:
    """Each unit's rate map above its autocorrelogram, with the ring of its score.

    The units belong to the reference networks. If any of them are significant, only those are
    shown, with the lattice that was measured. Other units have no lattice drawn.
    """
    networks = comparisons.select(summary)
    passed = network_measures.significant(networks)
    units = network_measures.best_units(networks, UNITS, passed if passed.any() else None)
    blocks = -(-len(units) // COLUMNS)
    figure = style.figure(height=10 + 66 * max(blocks, 0.5))
    if not units:
        style.missing(figure.subplots(), "no unit of the reference networks has a grid score")
        return figure
    panels = figure.subplots(2 * blocks, COLUMNS, squeeze=False)
    figure.set_layout_engine("constrained", w_pad=0.02, h_pad=0.02, wspace=0.03, hspace=0.02)
    pairs = panels.reshape(blocks, 2, COLUMNS).transpose(0, 2, 1).reshape(-1, 2)
    for pair, unit in zip(pairs.tolist(), units, strict=False):
        draw_unit(pair, unit, networks, rate_maps)
    for axes in pairs[len(units) :].ravel():
        axes.set_axis_off()
    figure.suptitle(headline(networks))
    return figure


def headline(networks: xr.Dataset) -> str:
    """Which units are shown, and whether they are lattices."""
    name = style.name(networks, comparisons.defaults(networks)["target"])
    passed = int(network_measures.significant(networks).sum())
    active = f"{network_measures.unit_counts(networks).active:,} active units"
    best = "these have the highest grid scores (above)"
    if passed:
        verb = "are" if passed > 1 else "is"
        return f"{name}: {passed:,} of {active} {verb} significant (★); {best}"
    if not np.isfinite(network_measures.grid_fraction(networks)).any():
        return f"{name}: no surrogates were scored, so no lattice is drawn; {best}"
    return f"{name}: none of {active} is significant, so no lattice is drawn; {best}"


def draw_unit(
    pair: Sequence[Axes], unit: network_measures.Unit, networks: xr.Dataset, rate_maps
) -> None:
    """The rate map and, below it, the autocorrelogram of one unit."""
    with rate_maps(unit.cohort) as cohort:
        values = cohort["rate_map"].sel(network=unit.network).isel(unit=unit.unit)
        values = values.transpose("y", "x").values
    style.draw_map(pair[0], values)
    pair[0].set_title(style.score_text(unit.score, unit.significant), pad=2, fontsize=7)
    arena = float(networks.attrs["arena"])
    _autocorrelogram(pair[1], values, arena)
    _rings(pair[1], values, arena)
    found = networks.sel(network=unit.network).isel(unit=unit.unit)
    if unit.significant:
        _lattice(pair[1], float(found["period"]), float(found["orientation"]))
    else:
        pair[1].set_xlabel(style.p_text(float(found["p_value"])), labelpad=2)


def _lattice(axes: Axes, period: float, orientation: float) -> None:
    """The six nearest points of a lattice, and its period (m) and orientation in words."""
    if not np.isfinite(period):
        axes.set_xlabel("no period", labelpad=2)
        return
    angles = orientation + np.radians(60) * np.arange(7)
    points = period * np.cos(angles), period * np.sin(angles)
    axes.plot(*points, color=style.INK, linewidth=0.8, marker="o", markersize=2.2)
    axes.set_xlabel(f"{period:.2f} m, {np.degrees(orientation):.0f}°", labelpad=2)


def _autocorrelogram(axes: Axes, values: np.ndarray, arena: float) -> None:
    correlations = autocorrelograms(values)
    reach = arena * correlations.shape[0] / len(values) / 2
    extent = (-reach, reach, -reach, reach)
    limits = {"vmin": -1.0, "vmax": 1.0, "extent": extent}
    style.draw_map(axes, correlations.values, colours=style.SIGNED_COLOURS, **limits)


def _rings(axes: Axes, values: np.ndarray, arena: float) -> None:
    """The inner and the outer edge of the ring on which the unit's score is largest."""
    outer = float(grid_scores.published_score(values, network_measures.DEFINITION)["ring_60"])
    for share in (grid_scores.INNER_RADIUS, outer):
        line = {"fill": False, "linewidth": 0.7, "linestyle": (0, (3, 2)), "edgecolor": "#555555"}
        axes.add_patch(Circle((0, 0), share * arena, **line))
