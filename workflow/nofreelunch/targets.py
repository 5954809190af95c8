"""Targets: the encodings of position that a network is trained to report.

A `Target` turns positions into the activity of its cells and back. It holds the parameters of one
network, or of a stack of networks whose arrays then carry a leading `network` axis. Equations are
those of Schaeffer, Khona & Fiete (2022) and of Sorscher et al. (2019) before them; names say what
an equation is: the "difference of Gaussians" of those programs is a difference of softmaxes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nofreelunch import coordinates, place_cells  # noqa: F401 (each class registers itself)
from nofreelunch.encodings import ARENA, DEFAULTS, REGISTRY, Target

__all__ = ["ARENA", "DEFAULTS", "Target", "build", "build_stack", "names"]


def names() -> tuple[str, ...]:
    """Names of all targets, in the order in which they are defined."""
    return tuple(REGISTRY)


def build(target: str | Mapping[str, Any], seed: int, arena: float = ARENA) -> Target:
    """The target of one network.

    Args:
        target: a name, or the target keys of a network's spec (`target`, `place_cells`,
            `place_cell_width` in m, `surround`, `amplitude_ratio`, `fields_per_cell`; what is
            missing or None takes `DEFAULTS`).
        seed: the network's seed; it draws field centres, widths and projections.
        arena: side of the square arena, m.

    Raises:
        ValueError: for a name that is not in `names()`, or too few place cells for the target.
    """
    spec = {"target": target} if isinstance(target, str) else dict(target)
    unknown = set(spec) - {"target", *DEFAULTS}
    if unknown:
        allowed = ", ".join(("target", *DEFAULTS))
        raise ValueError(f"target: unknown key {min(unknown)!r}, allowed: {allowed}")
    if not arena > 0:
        raise ValueError(f"arena: found {arena}, allowed: a side above 0 m")
    return _kind(spec.get("target"))([spec], [seed], arena)


def build_stack(
    specs: Sequence[Mapping[str, Any]], seeds: Sequence[int], arena: float = ARENA
) -> Target:
    """The targets of several networks of one kind, as one `Target` with a leading network axis."""
    kinds = {spec["target"] for spec in specs}
    if len(kinds) != 1:
        raise ValueError(f"target: a stack holds one kind of target, found {sorted(kinds)}")
    return _kind(kinds.pop())(specs, seeds, arena)


def _kind(name: Any) -> type[Target]:
    if name not in REGISTRY:
        raise ValueError(f"target: found {name!r}, allowed: {', '.join(names())}")
    return REGISTRY[name]
