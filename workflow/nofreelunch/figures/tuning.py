"""One cell of a target, as a map and as a radial profile, for several figures."""

from typing import Any

import numpy as np

from nofreelunch.task import targets

SIDE = 67  # positions along a side of the map


def central_cell(
    spec: dict[str, Any], arena: float = targets.ARENA
) -> tuple[np.ndarray, np.ndarray]:
    """Activity (y, x) of one cell of a target, and the centre (x, y) of its field in m.

    `spec` is a network's spec. Of the target's cells, the one whose centre is nearest the middle of
    the arena is taken, the first if several are. The centre is the mean position, weighted by the
    squared departure from the cell's median activity. Cells of coordinates have no field, but still
    such a centre.
    """
    side = np.linspace(-arena / 2, arena / 2, SIDE)
    position = np.stack(np.meshgrid(side, side), axis=-1)
    keys = {key: spec[key] for key in ("target", *targets.DEFAULTS) if key in spec}
    activity = targets.build_target(keys, spec.get("seed") or 0, arena).encode(position)
    weight = np.square(activity - np.median(activity, axis=(0, 1)))
    weight /= np.maximum(weight.sum((0, 1)), np.finfo(float).tiny)
    centre = np.einsum("yxc,yxd->cd", weight, position)
    cell = int(np.argmin(np.square(centre).sum(1).round(9)))
    return activity[..., cell], centre[cell]


def radial_profile(spec: dict[str, Any], arena: float = targets.ARENA) -> tuple[np.ndarray, ...]:
    """Activity of the cell of `central_cell` by distance (m) from its field's centre.

    Returns distances, out to the nearest wall, and mean activities there, as multiples of the mean
    over the arena.
    """
    activity, centre = central_cell(spec, arena)
    side = np.linspace(-arena / 2, arena / 2, SIDE)
    distance = np.hypot(side[None, :] - centre[0], side[:, None] - centre[1])
    reach = arena / 2 - np.abs(centre).max()
    step = side[1] - side[0]
    ring = (distance / step).astype(int)
    rings = int(reach / step)
    inside = ring < rings
    count = np.bincount(ring[inside], minlength=rings)
    total = np.bincount(ring[inside], activity[inside], minlength=rings)
    summed = np.bincount(ring[inside], distance[inside], minlength=rings)
    known = count > 0
    return summed[known] / count[known], total[known] / count[known] / activity.mean()
