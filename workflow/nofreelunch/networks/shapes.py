"""Shapes of a network's weights, computed from the facts of its cell without torch."""

from __future__ import annotations

from collections.abc import Container
from functools import cache
from typing import NamedTuple

from nofreelunch.files.definitions import definitions


class CellFacts(NamedTuple):
    """Facts about a cell, as its decorator states them; see `networks.cells.cell`."""

    gates: int
    bias: bool = True
    recurrent_bias: bool = False
    memory: bool = False
    bare: bool = False
    forget_gate: int | None = None
    by_hand: bool = False
    recurrent: bool = True


@cache
def cells() -> dict[str, CellFacts]:
    """Facts of every cell by name."""
    return {name: CellFacts(**facts) for name, facts in definitions("cell").items()}


def kernel_between_units(weights: Container[str]) -> str:
    """Which of the weights of a cell, by name, decay and have the distribution of `initializer`.

    The recurrent kernel, or the input kernel of a cell without a recurrence.
    """
    return "recurrent" if "recurrent" in weights else "input"


def weight_shapes(cell: str, units: int, outputs: int) -> dict[str, tuple[int, int]]:
    """Shape (inputs, outputs) of every weight of one network by name; a bias has one input row.

    The order is that in which fresh weights are drawn.
    """
    facts = cells()[cell]
    gates = facts.gates * units
    recurrent = {"input": (2 if facts.bare else units, gates), "recurrent": (units, gates)}
    if facts.bias:
        recurrent["bias"] = (1, gates)
    if facts.recurrent_bias:
        recurrent["recurrent_bias"] = (1, gates)
    encoders = {"encoder": (outputs, units)}
    if not facts.recurrent:
        del recurrent["recurrent"]
        encoders = {}
    memory = {"memory": (outputs, units)} if facts.memory else {}
    decoder = {"decoder": (units, outputs)}
    if facts.bare:
        return encoders | memory | recurrent | decoder
    dense = encoders | {"embedding": (2, units), "dense": (units, units)} | decoder | memory
    biases = {f"{name}_bias": (1, shape[1]) for name, shape in dense.items()}
    return dense | biases | recurrent
