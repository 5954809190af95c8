"""What training networks costs, computed from their specs: memory, arithmetic and padding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from nofreelunch.networks import loss_steps
from nofreelunch.networks.shapes import cells, weight_shapes
from nofreelunch.task.catalogue import facts_of

Spec = Mapping[str, Any]


def training_memory(specs: Sequence[Spec]) -> int:
    """Approximate number of bytes that training these networks side by side takes."""
    units, cell = specs[0]["units"], specs[0]["cell"]
    facts, count = cells()[cell], max(map(outputs, specs))
    weights = sum(rows * columns for rows, columns in weight_shapes(cell, units, count).values())
    batch = max(s["batch_size"] for s in specs)
    samples = batch * max(s["sequence_length"] for s in specs)
    read_out = batch * max(map(loss_steps.count, specs))
    # A cell without gates keeps its states and their gradients. For a cell with gates, automatic
    # differentiation keeps every gate and what is computed from it. Dropout keeps random numbers,
    # factors and products.
    kept = 4 if facts.bare and facts.by_hand else 8 if facts.by_hand else 6 * facts.gates + 3
    if any(spec["dropout"]["readout"] for spec in specs):
        kept += 6
    # Four numbers per weight: itself, its gradient and two moments. Four per output: code, logits
    # and two gradients of these.
    return 4 * len(specs) * (4 * weights + samples * kept * units + 4 * read_out * count)


def operations(spec: Spec) -> float:
    """Floating-point operations of the matrix products of one training step of one network."""
    return _operations(spec["cell"], spec["units"], *sizes(spec)[1:])


def _operations(cell: str, units: int, batch: int, length: int, read: int, outputs: int) -> float:
    every, read_out, start = _entries(cell, units, outputs)
    length = length if cells()[cell].recurrent else read
    # Forward pass, gradient of the input and gradient of the weights take two operations per entry.
    return 6.0 * batch * (length * every + read * read_out + start)


@cache
def _entries(cell: str, units: int, outputs: int) -> tuple[int, int, int]:
    """Entries of the matrices used at every time step, at loss steps, and at the start alone."""
    kernels = {name: n * m for name, (n, m) in weight_shapes(cell, units, outputs).items() if n > 1}
    start, read_out = kernels.get("encoder", 0) + kernels.get("memory", 0), kernels["decoder"]
    return sum(kernels.values()) - start - read_out, read_out, start


def useful_share(specs: Sequence[Spec]) -> float:
    """Share of a cohort's arithmetic that is not padding; see `share_of_sizes`."""
    return share_of_sizes(specs[0]["cell"], specs[0]["units"], Counter(map(sizes, specs)))


def sizes(spec: Spec) -> tuple[int, int, int, int, int]:
    """Sizes that may differ in a cohort, at the price of padding.

    Training steps, batch, sequence length, loss steps, outputs.
    """
    length, read_out = spec["sequence_length"], loss_steps.count(spec)
    return spec["steps"], spec["batch_size"], length, read_out, outputs(spec)


def share_of_sizes(cell: str, units: int, counts: Mapping[tuple[int, ...], int]) -> float:
    """Share of a cohort's arithmetic that is not padding, for networks counted by their `sizes`.

    At each step, networks are padded to the largest batch, sequence, number of loss steps and
    number of outputs of those that are still training.
    """
    if len(counts) == 1:
        return 1.0
    longest_first = sorted(counts, reverse=True)
    useful = spent = 0.0
    training = 0
    padded: tuple[int, ...] = (0, 0, 0, 0)
    for own, following in zip(longest_first, [*longest_first[1:], (0,)], strict=True):
        training += counts[own]
        padded = tuple(map(max, padded, own[1:]))
        useful += own[0] * counts[own] * _operations(cell, units, *own[1:])
        spent += (own[0] - following[0]) * training * _operations(cell, units, *padded)
    return useful / spent


def outputs(spec: Spec) -> int:
    """Number of outputs of a network: its place cells, or the fixed number of its target."""
    return spec["place_cells"] or facts_of(spec["target"]).cells
