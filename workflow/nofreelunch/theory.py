"""What the spectrum of a target predicts: whether a lattice grows, and with which period.

Near its starting point a network learns linearly: the spatial patterns of its units grow at rates
given by the covariance of the target between positions (Sorscher et al. 2019). Were the arena
periodic, the patterns would be plane waves, each growing with the target's power at its wave
vector. The strongest waves win, so a target whose power peaks on a ring away from zero predicts
lattices of the ring's wavelength, and one whose strongest wave is the longest that fits the arena
predicts patterns of the size of the arena.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

RESOLUTION = 55  # positions along a side, as in the published pattern-formation analysis
HEXAGONAL = 2 / np.sqrt(3)  # spacing of a hexagonal lattice over the wavelength of its waves

# Difference targets of one centre and one surround per field, and the amplitude ratio each has.
# Softmaxes of centre and surround both sum to one, which makes their areas equal.
CENTRE_SURROUND = {
    "difference_of_softmaxes": "equal_area",
    "difference_of_gaussians": 1.0,
    "general_difference_of_gaussians": None,
}


def spectrum(target, resolution: int = RESOLUTION) -> xr.Dataset:
    """Covariance of a target between positions, its power spectrum, and the period it predicts.

    `target` is a built target: its cells are read on a regular grid of `resolution` positions
    along each side, both ends included. Between positions a shift apart, activity is multiplied,
    summed over cells and averaged over the grid, whose opposite ends are joined. The Fourier
    transform of this is the power of each cell's map summed over cells, which is how it is
    computed. The mean of each cell over the arena is left out; that changes the mode (0, 0) alone,
    as does, where the cells sum to one, leaving out the mean over cells.

    Returns, with modes in cycles per joined box of side `attrs["box"]` m (one grid spacing more
    than the arena):
      covariance (dy, dx): against the shift in m, zero shift in the middle
      power (ky, kx): share of the covariance at zero shift that each mode carries; sums to it
      radial_power (radius): mean power of the modes (i, j) with sqrt(i^2 + j^2) = radius
      peak_mode: the radius at which radial_power is largest, which is 1 where there is no annulus
      annulus_contrast: the largest radial_power over that at radius 1
      predicted_period: spacing of the hexagonal lattice predicted, m; NaN where there is no annulus
    Raises ValueError for a resolution below 5 or a stack of several networks' targets.
    """
    if not hasattr(target, "encode"):
        raise ValueError(f"target: found {target!r}, allowed: a target that `targets.build` made")
    if resolution < 5:
        raise ValueError(f"resolution is {resolution}; it must be at least 5")
    if target.networks != 1:
        raise ValueError(f"target is a stack of {target.networks}; a spectrum is of one target")
    side = np.linspace(-target.arena / 2, target.arena / 2, resolution)
    cells = target.encode(np.stack(np.meshgrid(side, side), axis=-1))
    power = np.square(np.abs(np.fft.fft2(cells, axes=(0, 1), norm="forward"))).sum(axis=-1)
    power[0, 0] = 0.0
    covariance = np.fft.ifft2(power, norm="forward").real

    modes = np.rint(np.fft.fftshift(np.fft.fftfreq(resolution, 1 / resolution))).astype(int)
    shift = modes * (side[1] - side[0])
    box = resolution * (side[1] - side[0])
    power = np.fft.fftshift(power)
    radius, radial = _radial_mean(power, modes)
    return xr.Dataset(
        {
            "covariance": (("dy", "dx"), np.fft.fftshift(covariance)),
            "power": (("ky", "kx"), power),
            "radial_power": ("radius", radial),
            "peak_mode": radius[np.argmax(radial)],
            "annulus_contrast": radial.max() / radial[0],
            "predicted_period": ((), _period(target.spec, radius, radial, box), {"units": "m"}),
        },
        coords={
            "dy": ("dy", shift, {"units": "m"}),
            "dx": ("dx", shift, {"units": "m"}),
            "ky": ("ky", modes, {"units": "cycles/box"}),
            "kx": ("kx", modes, {"units": "cycles/box"}),
            "radius": ("radius", radius, {"units": "cycles/box"}),
        },
        attrs={"spec": json.dumps(target.spec), "arena": float(target.arena), "box": float(box)},
    )


def spectra(targets: Sequence) -> xr.Dataset:
    """The `spectrum` of each of several built targets of one arena, beside each other.

    Returns the variables of `spectrum` along a further dimension, `target`, and `spec` (target),
    JSON.
    """
    each = [spectrum(target) for target in targets]
    specs = [one.attrs.pop("spec") for one in each]
    together = xr.concat(each, "target", combine_attrs="identical", join="exact")
    return together.assign_coords(spec=("target", specs))


def split(spectra: xr.Dataset) -> list[xr.Dataset]:
    """The datasets of `spectrum`, one per target, that `spectra` set beside each other."""
    return [
        spectra.isel(target=number).drop_vars("spec").assign_attrs(spec=str(spec))
        for number, spec in enumerate(spectra["spec"].values)
    ]


def predicted_period(target) -> float:
    """Spacing (m) of the hexagonal lattice that a built target predicts; NaN where none.

    None is predicted where the strongest mode of `spectrum` is the longest that fits the box, and
    for targets without a surround. With one field per cell and one width and surround for all, the
    wave number is that of `ring`; otherwise it is read off the spectrum, at the vertex of the
    parabola through the largest radial power and its two neighbours.
    """
    return float(spectrum(target).predicted_period)


def ring(width: float, width_ratio: float, amplitude_ratio: float) -> float:
    """Wave number k (rad/m) at which a centre-surround target has a stationary power off zero.

    In the plane, a centre of amplitude a and width w (m) less a surround of amplitude 1 and width
    s w has the transform 2 pi w^2 [a exp(-w^2 k^2 / 2) - s^2 exp(-s^2 w^2 k^2 / 2)], which is
    stationary at k^2 = 2 ln(s^4 / a) / ((s^2 - 1) w^2). At equal areas, a = s^2, it vanishes at
    k = 0 and the stationary point is the largest: k^2 = 4 ln s / ((s^2 - 1) w^2).
    NaN where a >= s^4: the transform then only falls with k.
    """
    if amplitude_ratio >= width_ratio**4:
        return float("nan")
    squared = 2 * np.log(width_ratio**4 / amplitude_ratio) / ((width_ratio**2 - 1) * width**2)
    return float(np.sqrt(squared))


def _period(spec: Mapping[str, Any], radius: np.ndarray, radial: np.ndarray, box: float) -> float:
    """Lattice spacing (m) from a target's spec and its radial power; NaN without an annulus.

    The formula has a stationary point also where the power near zero is larger, and it knows
    neither walls nor which waves fit; so the spectrum decides whether there is an annulus.
    """
    if spec["target"] not in CENTRE_SURROUND or np.argmax(radial) == 0:
        return float("nan")
    [(convention, surround)] = spec["surround"].items()
    width = spec["place_cell_width"]
    if isinstance(width, Mapping) or isinstance(surround, Mapping) or spec["fields_per_cell"] != 1:
        return HEXAGONAL * box / _vertex(radius, radial)
    width_ratio = np.sqrt(surround) if convention == "variance_ratio" else surround
    amplitude_ratio = CENTRE_SURROUND[spec["target"]] or spec["amplitude_ratio"]
    if amplitude_ratio == "equal_area":
        amplitude_ratio = width_ratio**2
    return HEXAGONAL * 2 * np.pi / ring(width, width_ratio, amplitude_ratio)


def _radial_mean(power: np.ndarray, modes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Radii of the modes, as far as their circles are whole, and the mean power on each."""
    squared = modes[:, None] ** 2 + modes**2
    whole = (squared > 0) & (squared <= modes.max() ** 2)
    values, index = np.unique(squared[whole], return_inverse=True)
    return np.sqrt(values), np.bincount(index, power[whole]) / np.bincount(index)


def _vertex(radius: np.ndarray, radial: np.ndarray) -> float:
    """Radius of the largest radial power, between the radii that the box allows."""
    peak = int(np.argmax(radial))
    if peak == len(radius) - 1:
        return float(radius[peak])
    near = slice(peak - 1, peak + 2)
    curvature, slope, _ = np.polyfit(radius[near] - radius[peak], radial[near], 2)
    return float(radius[peak] - slope / (2 * curvature))
