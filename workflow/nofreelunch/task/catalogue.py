"""Facts about every target, read without importing torch: names, colours, and the keys it uses.

The facts are literals in the target's class, in `coordinates` or `place_cells`.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from nofreelunch.errors import refused
from nofreelunch.files.definitions import definitions

KEYS = ("place_cells", "place_cell_width", "surround", "amplitude_ratio", "fields_per_cell")
COLOUR_OF_OTHERS = "#777777"


class TargetFacts(NamedTuple):
    """Facts about one target, as its class states them.

    Attributes:
        name: what studies call it.
        label: its name in sentences, before the word "targets".
        short: its name in figures.
        colour: its colour in every figure.
        uses: the keys of a study that it uses; the others of `KEYS` are None in a network's spec.
        centre_surround: peak of the centre over peak of the surround: a number, "equal_area", or
            "amplitude_ratio" if the key of that name sets it. None for a target that is not a
            difference of centre and surround.
        even_cells: whether it needs an even number of cells.
        cells: number of its outputs, if it does not use `place_cells`.
        summary: first line of the docstring of its class.
    """

    name: str
    label: str
    short: str
    colour: str
    uses: tuple[str, ...]
    centre_surround: float | str | None = None
    even_cells: bool = False
    cells: int = 2
    summary: str = ""

    @property
    def unused(self) -> tuple[str, ...]:
        """The keys that the target does not use."""
        return tuple(key for key in KEYS if key not in self.uses)


@cache
def catalogue() -> dict[str, TargetFacts]:
    """Facts of every target by name, in the order of their classes: coordinates, then place cells.

    Raises ValueError for a class that lacks a fact or uses an unknown key.
    """
    found = {}
    for name, facts in definitions("target").items():
        for fact in ("label", "short", "colour", "uses"):
            if fact not in facts:
                raise refused(
                    f"target {name}: {fact}", "nothing", f"a literal in its class: {fact} = ..."
                )
        if unknown := {*facts["uses"]} - {*KEYS}:
            raise refused(f"target {name}: uses", min(unknown), ", ".join(KEYS))
        found[name] = TargetFacts(
            name, **{k: facts[k] for k in TargetFacts._fields[1:] if k in facts}
        )
    return found


def target_names() -> tuple[str, ...]:
    """Names of all targets: coordinates first, then place cells.

    >>> target_names()[:2]
    ('cartesian', 'high_dim_cartesian')
    """
    return tuple(catalogue())


def facts_of(target: str) -> TargetFacts:
    """The facts of a target. An unknown target gets its name as label, and grey as colour."""
    shown = target.replace("_", " ")
    unknown = TargetFacts(target, shown.capitalize(), shown, COLOUR_OF_OTHERS, KEYS)
    return catalogue().get(target, unknown)


def as_params() -> dict[str, Any]:
    """The facts that figures and sentences show, as plain values: what their rules depend on."""
    return {name: list(facts)[1:-1] for name, facts in catalogue().items()}
