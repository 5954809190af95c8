"""Result 6: difference of Gaussians against difference of softmaxes, and what explains it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nofreelunch.figures import style, tuning
from nofreelunch.findings import comparisons, network_measures
from nofreelunch.findings.verdicts import counted

COMPARED = (
    "difference_of_gaussians",
    "difference_of_softmaxes",
    "general_difference_of_gaussians",
)
LINES = dict(zip(COMPARED, ("-", "-", "--"), strict=True))  # the last two nearly coincide
LOWEST_MODES = 5  # cycles per box; the talk shows as many
FARTHEST = 1.1  # m; largest shift at which the covariance is shown
BY_CHANCE: dict[str, Any] = {"linestyle": ":", "linewidth": 0.9, "marker": "x", "markersize": 4}


@style.styled
def draw(
    summary: xr.Dataset, theory: Sequence[xr.Dataset], rate_maps: Callable[[str], xr.Dataset]
) -> Figure:
    """Grid scores of the networks; tuning curve, covariance and spectrum of their targets."""
    present = [target for target in COMPARED if target in comparisons.compared_targets(summary)]
    figure = style.figure(height=114 if present else 60)
    if not present:
        style.missing(figure.subplots(), "no network has such a target")
        return figure
    columns = 2 * len(present)
    top, bottom = figure.subfigures(2, 1, squeeze=False, height_ratios=[1.45, 1])[:, 0]
    figure.set_layout_engine("constrained", w_pad=0.07)
    scores, profiles, spectra = top.subplots(1, 3)
    maps = bottom.subplots(1, columns, squeeze=False)[0]
    for index, target in enumerate(present):
        networks = comparisons.of_target(summary, target)
        spec = _spec(summary, networks, target)
        _scores(scores, networks, target)
        distance, activity = tuning.radial_profile(spec, float(summary.attrs["arena"]))
        line = {"color": style.colour(target), "linestyle": LINES[target]}
        profiles.plot(distance, activity, **line)
        found = comparisons.theory_of(theory, spec)
        pair = maps[2 * index : 2 * index + 2]
        if found is None:
            for axes in pair:
                style.missing(axes, f"{style.name(networks, target)}:\nno theory")
            continue
        radial = found["radial_power"] / found["radial_power"].max()
        label = f"largest at {float(found['peak_mode']):.2f}"
        spectra.plot(found["radius"], radial, **line, marker="o", markersize=2, label=label)
        _maps(pair, found)
        name = style.name(networks, target, lines=True)
        for axes, what in zip(pair, ("covariance", "spectrum"), strict=True):
            axes.set_title(f"{name}\n{what}", color=style.colour(target))
    _label(scores, profiles, spectra, summary.attrs["grid_cell_threshold"])
    _missing(scores, [style.name(summary, t) for t in COMPARED[:2] if t not in present])
    scores.plot([], [], color=style.CHANCE, label=style.HARDER, **BY_CHANCE)
    top.legend(*scores.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    for letter, axes in zip("abcdefghi", (scores, profiles, spectra, *maps), strict=False):
        style.letter(axes, letter)
    return figure


def _spec(summary: xr.Dataset, networks: xr.Dataset, target: str) -> dict[str, Any]:
    """The spec whose target is drawn: that of the compared networks, else the study's defaults."""
    found = comparisons.specs(networks)
    return found[0] if found else comparisons.defaults(summary) | {"target": target}


def _scores(axes: Axes, networks: xr.Dataset, target: str) -> None:
    """Units above each grid score, and by chance above the thresholds of the summary."""
    number = networks.sizes["network"]
    label = f"{style.name(networks, target)}, {counted(number)}"
    if number:
        style.draw_survival(axes, networks, style.colour(target), label)
        levels = networks["threshold"].values
        chance = [style.known_mean(network_measures.chance_above(networks, v)) for v in levels]
        axes.plot(levels, chance, color=style.colour(target), **BY_CHANCE)
    else:
        axes.plot([], [], color=style.colour(target), label=label)


def _maps(pair: Sequence[Axes], found: xr.Dataset) -> None:
    """Covariance against shift, and power of the lowest modes."""
    near = dict.fromkeys(("dx", "dy"), slice(-FARTHEST, FARTHEST))
    low = dict.fromkeys(("kx", "ky"), slice(-LOWEST_MODES, LOWEST_MODES))
    covariance = found["covariance"].sel(near).transpose("dy", "dx")
    power = found["power"].sel(low).transpose("ky", "kx")
    limit = float(abs(covariance).max())
    _image(pair[0], covariance, colours=style.SIGNED_COLOURS, vmin=-limit, vmax=limit)
    _image(pair[1], power, colours=style.RATE_COLOURS, vmin=0.0)
    pair[0].set_xticks([-1, 0, 1])
    pair[0].set_yticks([-1, 0, 1])
    pair[0].set_xlabel("shift in x (m)")
    pair[0].set_ylabel("shift in y (m)", labelpad=1.5)
    pair[1].set_xticks([-4, 0, 4])
    pair[1].set_yticks([-4, 0, 4])
    pair[1].set_xlabel("cycles per box")
    pair[1].set_ylabel("cycles per box", labelpad=1.5)


def _image(axes: Axes, values: xr.DataArray, colours: str, **limits: Any) -> None:
    """A map drawn on its own coordinates."""
    vertical, horizontal = (values[name].values for name in values.dims)
    half = [(axis[1] - axis[0]) / 2 for axis in (horizontal, vertical)]
    extent = (
        horizontal[0] - half[0],
        horizontal[-1] + half[0],
        vertical[0] - half[1],
        vertical[-1] + half[1],
    )
    axes.imshow(
        np.asarray(values), origin="lower", extent=extent, cmap=colours, aspect="equal", **limits
    )


def _label(scores: Axes, profiles: Axes, spectra: Axes, threshold: float) -> None:
    style.survival_axes(scores, threshold)
    scores.set_title("Units above each grid score")
    profiles.axhline(1, color=style.CHANCE, linewidth=0.6, zorder=0)
    profiles.set_xlabel("distance from field centre (m)")
    profiles.set_ylabel("activity / mean over the arena")
    profiles.set_title("Tuning curve of one cell")
    spectra.set_xlim(0, 7)
    spectra.set_ylim(0, 1.35)  # room for the legend
    spectra.set_xlabel("spatial frequency (cycles per box)")
    spectra.set_ylabel("power / largest")
    spectra.set_title("Spectrum of the target")
    if spectra.lines:
        spectra.legend(loc="upper right", borderaxespad=0.2)


def _missing(axes: Axes, absent: Sequence[str]) -> None:
    if absent:
        text = f"no {' and no '.join(absent)} networks"
        axes.text(0.98, 0.97, text, transform=axes.transAxes, ha="right", va="top")
