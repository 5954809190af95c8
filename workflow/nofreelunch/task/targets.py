"""Building the target of a network, or of a stack of networks, from its name or keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nofreelunch.errors import refused, shown
from nofreelunch.task import coordinates, place_cells  # noqa: F401 (each class registers itself)
from nofreelunch.task.catalogue import target_names
from nofreelunch.task.target import ARENA, DEFAULTS, REGISTRY, Target


def build_target(
    target: str | Mapping[str, Any], seed: int, arena: float = ARENA, periodic: bool = False
) -> Target:
    """Build the target of one network: the encoding of position that it is trained to report.

    In the simplest case a name is enough:

    >>> import nofreelunch as nfl
    >>> target = nfl.build_target("difference_of_softmaxes", seed=0)
    >>> activity = target.encode([[0.3, -0.4], [0.0, 0.0]])  # two positions, m
    >>> activity.shape
    (2, 256)
    >>> target.decode(activity).shape
    (2, 2)

    Args:
        target: a name, or the target keys of a network's spec: `target`, `place_cells`,
            `place_cell_centres` ("random" or "raster"), `place_cell_width` (m), `surround`,
            `amplitude_ratio` and `fields_per_cell`. A key that is missing or None takes its value
            from `DEFAULTS`.
        seed: the network's seed, for its field centres, widths and projections.
        arena: side of the square arena, m.
        periodic: whether its opposite walls are joined; for place cells with one field each.

    Raises:
        ValueError: for a name that `target_names` does not list, an unknown key, a value that is
            not allowed, too few place cells, or a target that has no form in a periodic arena.
    """
    spec = {"target": target} if isinstance(target, str) else dict(target)
    unknown = set(spec) - {"target", *DEFAULTS}
    if unknown:
        allowed = ", ".join(("target", *DEFAULTS))
        raise refused("target", f"the key {min(unknown)!r}", allowed)
    if not arena > 0:
        raise refused("arena", f"{arena}", "a side above 0 m")
    return _kind(spec.get("target"))([{**spec, "periodic": periodic}], [seed], arena)


def build_targets(
    specs: Sequence[Mapping[str, Any]], seeds: Sequence[int], arena: float = ARENA
) -> Target:
    """Build the targets of several networks as one `Target` with a leading `network` axis.

    Args:
        specs: the spec of each network; keys other than those of the target and `periodic`, in
            which they agree, are ignored.
        seeds: the seed of each network.
        arena: side of the square arena, m.

    Raises:
        ValueError: for several kinds of target, or as `build_target` does.
    """
    kinds = {spec["target"] for spec in specs}
    if len(kinds) != 1:
        raise refused("target", f"a stack of {', '.join(sorted(kinds))}", "one kind of target")
    return _kind(kinds.pop())(specs, seeds, arena)


def _kind(name: Any) -> type[Target]:
    if name not in REGISTRY:
        raise refused("target", shown(name), f"{', '.join(target_names())}")
    return REGISTRY[name]
