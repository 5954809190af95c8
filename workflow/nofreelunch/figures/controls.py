"""Controls: networks that lack one thing that the reference networks have."""

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nofreelunch.figures import style
from nofreelunch.findings import comparisons, network_measures, verdicts
from nofreelunch.scoring.significance import LEVEL

LESIONS = 30  # mm, height of that panel
LABELS = ("intact", "without the\nhighest scores", "without as many\nat random")


@style.styled
def draw(
    summary: xr.Dataset, theory: Sequence[xr.Dataset], rate_maps: Callable[[str], xr.Dataset]
) -> Figure:
    """Share of grid-like units and of small p-values in the reference networks and controls."""
    settings = comparisons.controls(summary)
    threshold = summary.attrs["grid_cell_threshold"]
    noise = _noise(comparisons.select(summary), threshold)
    rows = max(32, 9 * (len(settings) + len(noise)))  # mm
    figure = style.figure(height=24 + rows + LESIONS)
    left, right, lesions = figure.subplot_mosaic(
        [["a", "b"], ["c", "."]], height_ratios=(rows, LESIONS)
    ).values()
    if not settings:
        for axes in (left, right, lesions):
            style.missing(axes, "no reference networks and no controls")
        return figure
    style.letter(left, "a")
    style.letter(right, "b")
    style.letter(lesions, "c")
    _lesions(lesions, comparisons.select(summary))
    for row, (_, networks) in enumerate(settings):
        shade = _shade(networks)
        learnt = comparisons.learnt(networks)
        for axes, values in (
            (left, network_measures.share_above(networks, threshold)),
            (right, network_measures.small_p_values(networks)),
        ):
            estimate = verdicts.over_seeds(100 * values)
            style.draw_interval(axes, row, estimate, shade, across=True)
            style.draw_dots(axes, row, 100 * values, shade, across=True, learnt=learnt)
        style.draw_chance(left, row, networks, threshold, across=True)
        fraction = network_measures.fraction_text(networks)
        note = f"★ {fraction}" if fraction else "not compared with chance"
        right.text(1.02, row, note, transform=right.get_yaxis_transform(), va="center")
    labels = [f"{label}\n{style.met(networks)}" for label, networks in settings]
    for label, shares in noise.items():
        for axes, values in zip((left, right), shares, strict=True):
            estimate = verdicts.over_seeds(100 * values)
            style.draw_interval(axes, len(labels), estimate, style.CHANCE, across=True)
            style.draw_dots(axes, len(labels), 100 * values, style.CHANCE, across=True)
        labels.append(label)
    for axes, names in ((left, labels), (right, [])):
        axes.set_yticks(range(len(labels)), names or [""] * len(labels))
        axes.set_ylim(len(labels) - 0.5, -0.5)
    _scales(left, right, summary, threshold)
    handles = style.network_handles(summary) + style.chance_handles(summary)
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _noise(networks: xr.Dataset, threshold: float) -> dict[str, list[np.ndarray]]:
    """Both shares (network,) of low-pass noise: random phases with the spectra of the units.

    By the label of its row; empty where no surrogates were scored.
    """
    shares = [
        network_measures.chance_above(networks, threshold, "phase"),
        networks["test_size"].sel(kind="phase").values,
    ]
    known = networks.sizes["network"] and all(np.isfinite(share).any() for share in shares)
    return {"low-pass noise with\nthe reference’s spectra": shares} if known else {}


def _lesions(axes: Axes, networks: xr.Dataset) -> None:
    """Position error of each reference network, intact and with units silenced."""
    error = 100 * networks["lesion_error"].transpose("lesion", "network")
    axes.set_title("Lesions of a tenth of the units")
    known = np.isfinite(error.values).all(axis=0)
    if not known.any():
        style.missing(axes, "no reference network")
        return
    shade = _shade(networks)
    rows = range(len(LABELS))
    axes.plot(error.values[:, known], rows, color=shade, marker="o", markersize=3, linewidth=0.7)
    axes.set_yticks(rows, LABELS)
    axes.set_ylim(len(LABELS) - 0.5, -0.5)
    axes.set_xlim(0, None)
    axes.set_xlabel("position error (cm)")


def _scales(left: Axes, right: Axes, summary: xr.Dataset, threshold: float) -> None:
    """Labels, and the line of chance."""
    left.set_xlabel(f"units with a grid score > {threshold:g} (%)")
    left.set_title("Grid-like units")
    right.set_xlabel(f"active units with p ≤ {LEVEL} (%)")
    right.set_title("Lattice-like units")
    chance = 100 * network_measures.chance_of_small_p(summary)
    if np.isfinite(chance):
        right.axvline(chance, color=style.CHANCE, linewidth=1, zorder=0)
    for axes in (left, right):
        axes.set_xlim(-0.3, max(2.0, axes.get_xlim()[1]))


def _shade(networks: xr.Dataset) -> str:
    """Colour of the target; untrained networks are as dark as text."""
    spec = comparisons.specs(networks)[0]
    return style.colour(spec["target"]) if spec["steps"] else style.INK
