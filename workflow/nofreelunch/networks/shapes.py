"""Shapes of a network's weights, computed from the facts of its cell without torch."""

from __future__ import annotations

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

    @property
    def simple(self) -> bool:
        """Whether the cell has no gates; `networks.recurrence` then runs it."""
        return self.gates == 1


@cache
def cells() -> dict[str, CellFacts]:
    """Facts of every cell by name."""
    return {name: CellFacts(**facts) for name, facts in definitions("cell").items()}


def weight_shapes(cell: str, units: int, outputs: int) -> dict[str, tuple[int, int]]:
    """Shape (inputs, outputs) of every weight of one network by name; a bias has one input row."""
    facts = cells()[cell]
    gates = facts.gates * units
    if facts.bare:
        kernels = {"encoder": (outputs, units), "input": (2, units), "recurrent": (units, units)}
        return kernels | {"decoder": (units, outputs)}
    dense = {
        "encoder": (outputs, units),
        "embedding": (2, units),
        "dense": (units, units),
        "decoder": (units, outputs),
    }
    if facts.memory:
        dense["memory"] = (outputs, units)
    biases = {f"{name}_bias": (1, shape[1]) for name, shape in dense.items()}
    recurrent = {"input": (units, gates), "recurrent": (units, gates)}
    if facts.bias:
        recurrent["bias"] = (1, gates)
    if facts.recurrent_bias:
        recurrent["recurrent_bias"] = (1, gates)
    return dense | biases | recurrent
