"""What training a network costs, from its spec alone: shapes of weights, memory, arithmetic.

Nothing here needs torch, so that a study of thousands of networks is planned in a moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from nofreelunch import registry

SIMPLE = ("rnn", "srnn")  # one state, no gates; only `srnn` has an embedding, biases, a dense layer
CELLS = registry.entries()["cell"]
GATES = dict.fromkeys(SIMPLE, 1) | {name: options["gates"] for name, options in CELLS.items()}

Spec = Mapping[str, Any]


def shapes(cell: str, units: int, outputs: int) -> dict[str, tuple[int, int]]:
    """(inputs, outputs) of every weight of one network; a bias has one input row."""
    gates = GATES[cell] * units
    if cell == "rnn":
        kernels = {"encoder": (outputs, units), "input": (2, units), "recurrent": (units, units)}
        return kernels | {"decoder": (units, outputs)}
    dense = {
        "encoder": (outputs, units),
        "embedding": (2, units),
        "dense": (units, units),
        "decoder": (units, outputs),
    }
    options = CELLS.get(cell, {})
    if options.get("memory"):
        dense["memory"] = (outputs, units)
    biases = {f"{name}_bias": (1, shape[1]) for name, shape in dense.items()}
    recurrent = {"input": (units, gates), "recurrent": (units, gates)}
    if cell != "srnn":
        recurrent["bias"] = (1, gates)
    if options.get("recurrent_bias"):
        recurrent["recurrent_bias"] = (1, gates)
    return dense | biases | recurrent


def memory(specs: Sequence[Spec]) -> int:
    """About how many bytes training these networks side by side takes."""
    units, cell = specs[0]["units"], specs[0]["cell"]
    cells = max(map(outputs, specs))
    weights = sum(rows * columns for rows, columns in shapes(cell, units, cells).values())
    samples = max(s["batch_size"] for s in specs) * max(s["sequence_length"] for s in specs)
    # A simple cell keeps its states and gradients of them; automatic differentiation of a gated one
    # keeps every gate and what became of it. Dropout keeps numbers, factors and products.
    kept = 4 if cell == "rnn" else 8 if GATES[cell] == 1 else 6 * GATES[cell] + 3
    if any(spec["dropout"]["readout"] for spec in specs):
        kept += 6
    # Weight, gradient and two moments; code, logits and two gradients of those.
    return 4 * len(specs) * (4 * weights + samples * (kept * units + 4 * cells))


def operations(spec: Spec) -> float:
    """Floating-point operations of the matrix products of one training step of one network."""
    sizes = spec["batch_size"], spec["sequence_length"], outputs(spec)
    return _operations(spec["cell"], spec["units"], *sizes)


def _operations(cell: str, units: int, batch: int, length: int, cells: int) -> float:
    every, start = _entries(cell, units, cells)
    # Forward, gradient of the input and gradient of the weights: two operations per entry each.
    return 6.0 * batch * (length * every + start)


@cache
def _entries(cell: str, units: int, cells: int) -> tuple[int, int]:
    """Entries of the matrices that act at every time step, and of those that act on the start."""
    kernels = {name: n * m for name, (n, m) in shapes(cell, units, cells).items() if n > 1}
    start = kernels["encoder"] + kernels.get("memory", 0)
    return sum(kernels.values()) - start, start


def useful_share(specs: Sequence[Spec]) -> float:
    """Share of a cohort's arithmetic that is not padding; see `share_of_sizes`."""
    return share_of_sizes(specs[0]["cell"], specs[0]["units"], Counter(map(sizes, specs)))


def sizes(spec: Spec) -> tuple[int, int, int, int]:
    """What a cohort mixes at the price of padding: steps, batch, sequence length, outputs."""
    return spec["steps"], spec["batch_size"], spec["sequence_length"], outputs(spec)


def share_of_sizes(cell: str, units: int, counts: Mapping[tuple[int, ...], int]) -> float:
    """Share of the arithmetic that is not padding, for networks counted by their `sizes`.

    Networks are padded to the largest batch, sequence and number of outputs of those that are still
    training.
    """
    if len(counts) == 1:
        return 1.0
    longest_first = sorted(counts, reverse=True)
    useful = spent = 0.0
    training, padded = 0, (0, 0, 0)
    for own, following in zip(longest_first, [*longest_first[1:], (0,)], strict=True):
        training += counts[own]
        padded = tuple(map(max, padded, own[1:]))
        useful += own[0] * counts[own] * _operations(cell, units, *own[1:])
        spent += (own[0] - following[0]) * training * _operations(cell, units, *padded)
    return useful / spent


def outputs(spec: Spec) -> int:
    """Number of outputs: of place cells, or of coordinates."""
    return spec["place_cells"] or 2
