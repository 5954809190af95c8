"""Equations for place fields in the plane, without walls: what their spectrum is, and its ring."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nofreelunch.task.catalogue import facts_of

HEXAGONAL = 2 / np.sqrt(3)  # spacing of a hexagonal lattice over the wavelength of its waves


class Field(NamedTuple):
    """A place field: a Gaussian centre, less a wider Gaussian surround of amplitude one.

    Attributes:
        width: of the centre, m.
        width_ratio: width of the surround over that of the centre.
        amplitude_ratio: amplitude of the centre; infinite for a field without surround.
    """

    width: float
    width_ratio: float
    amplitude_ratio: float


def field_of(spec: Mapping[str, Any]) -> Field | None:
    """The field that all cells of a target share, from the target's spec.

    Softmaxes count as Gaussians, because their denominators hardly depend on position. None where
    cells have several fields or fields of unequal shape, and for targets whose fields are no
    Gaussians.
    """
    width, [(convention, surround)] = spec["place_cell_width"], spec["surround"].items()
    if isinstance(width, Mapping) or isinstance(surround, Mapping) or spec["fields_per_cell"] != 1:
        return None
    ratio = float(np.sqrt(surround) if convention == "variance_ratio" else surround)
    if spec["target"] == "gaussian":
        return Field(width, ratio, np.inf)
    if spec["target"] == "softmax_of_differences":
        return Field(width * ratio / np.sqrt(ratio**2 - 1), ratio, np.inf)
    amplitude = facts_of(spec["target"]).centre_surround
    if amplitude is None:
        return None
    if amplitude == "amplitude_ratio":
        amplitude = spec["amplitude_ratio"]
    return Field(width, ratio, ratio**2 if amplitude == "equal_area" else float(amplitude))


def ring(width: float, width_ratio: float, amplitude_ratio: float) -> float:
    """Wave number k > 0 (rad/m) at which the power of a centre-surround target is stationary.

    Take a centre of amplitude a and width w (m), less a surround of amplitude 1 and width s w. In
    the plane its transform is 2 pi w^2 [a exp(-w^2 k^2 / 2) - s^2 exp(-s^2 w^2 k^2 / 2)], which is
    stationary at k^2 = 2 ln(s^4 / a) / ((s^2 - 1) w^2). At equal areas, a = s^2, the transform
    vanishes at k = 0 and has its maximum at the stationary point, k^2 = 4 ln s / ((s^2 - 1) w^2).
    If a >= s^4 the transform only falls with k, and the result is NaN.

    Args:
        width: w, m.
        width_ratio: s.
        amplitude_ratio: a.
    """
    if amplitude_ratio >= width_ratio**4:
        return float("nan")
    squared = 2 * np.log(width_ratio**4 / amplitude_ratio) / ((width_ratio**2 - 1) * width**2)
    return float(np.sqrt(squared))


def power(wave_number: ArrayLike, field: Field) -> np.ndarray:
    """Power of a field at wave numbers (rad/m), as a fraction of its centre's power at zero.

    The square of the transform that `ring` gives, over (2 pi a w^2)^2.
    """
    squared = np.square(field.width * np.asarray(wave_number, float)) / 2
    areas = field.width_ratio**2 / field.amplitude_ratio
    surround = areas * np.exp(-(field.width_ratio**2) * squared)
    return np.square(np.exp(-squared) - surround)
