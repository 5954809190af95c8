"""Walks on graphs whose nodes hold symbols: what the Tolman-Eichenbaum Machine is trained on.

A graph is a patch of a lattice, a symbol is drawn for each node, and a walk is a sequence of
actions. An action leads to one neighbour, or stays. There are no positions in what a network gets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from nofreelunch.errors import check_choice, refused

ANGLE = 0.4  # rad; a walk's heading changes by less in a step


class _Lattice(NamedTuple):
    """A lattice: its basis, the whole-number steps to neighbours, and how the walk behaves there.

    `turn` is the lattice's rotation as a matrix of whole numbers; `free` is the probability of a
    move that follows no heading, and `reach` how far a neighbour may lie off the heading, rad.
    """

    basis: np.ndarray
    steps: np.ndarray
    turn: np.ndarray
    degrees: int
    free: float
    reach: float


LATTICES = {
    "square": _Lattice(
        np.eye(2),
        np.array([[1, 0], [0, 1], [-1, 0], [0, -1]]),
        np.array([[0, 1], [-1, 0]]),
        90,
        0.75,
        np.pi / 4,
    ),
    "triangular": _Lattice(
        np.array([[1, 0], [0.5, 0.75**0.5]]),
        np.array([[1, 0], [0, 1], [-1, 1], [-1, 0], [0, -1], [1, -1]]),
        np.array([[0, 1], [-1, 1]]),
        60,
        0.8,
        np.pi / 6,
    ),
}


@dataclass(frozen=True)
class Graph:
    """A patch of a lattice whose nodes are joined to their nearest neighbours.

    Args:
        lattice: "square" or "triangular".
        cells: whole-number coordinates of the nodes in the lattice, (node, 2).

    Attributes:
        position: (node, 2); neighbours are 1 apart.
        neighbour: node that an action leads to, (node, action); -1 where there is none. The last
            action stays.
        headings: direction of each action that moves, rad.

    Raises:
        ValueError: one line, for a node without neighbours or a graph of several parts.
    """

    lattice: str
    cells: np.ndarray
    position: np.ndarray = field(init=False)
    neighbour: np.ndarray = field(init=False)
    headings: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        check_choice("graph", self.lattice, LATTICES)
        facts = LATTICES[self.lattice]
        number = {tuple(cell): k for k, cell in enumerate(self.cells.tolist())}
        moved = self.cells[:, None] + facts.steps
        neighbour = np.array(
            [[number.get(tuple(cell), -1) for cell in row] for row in moved.tolist()]
        )
        stay = np.arange(len(self.cells))[:, None]
        lonely = np.flatnonzero((neighbour < 0).all(1))
        if lonely.size:
            raise refused("graph", f"node {lonely[0]} without neighbours", "nodes with neighbours")
        here, action = np.nonzero(neighbour >= 0)
        edges = coo_array((np.ones(here.size), (here, neighbour[here, action])), (len(stay),) * 2)
        parts, _ = connected_components(edges, directed=False)
        if parts > 1:
            raise refused("graph", f"{parts} parts without a way between them", "one part")
        ways = facts.steps @ facts.basis
        for name, value in (
            ("position", self.cells @ facts.basis),
            ("neighbour", np.hstack([neighbour, stay])),
            ("headings", np.arctan2(ways[:, 1], ways[:, 0])),
        ):
            object.__setattr__(self, name, value)

    @property
    def degrees(self) -> int:
        """Angle by which the lattice turns into itself."""
        return LATTICES[self.lattice].degrees

    @property
    def turn(self) -> np.ndarray:
        """The rotation by that angle, of whole-number coordinates: cells @ turn."""
        return LATTICES[self.lattice].turn

    @property
    def stay(self) -> int:
        """Number of the action that stays; there are as many actions that move."""
        return len(self.headings)


@cache
def graph_of(lattice: str, size: int) -> Graph:
    """A square of `size` nodes a side, or a hexagonal patch of a triangular lattice of that edge.

    >>> [len(graph_of("triangular", edge).cells) for edge in (5, 6, 7)]
    [61, 91, 127]
    """
    if lattice == "square":
        return Graph(lattice, np.indices((size, size)).reshape(2, -1).T)
    reach = np.arange(1 - size, size)
    cells = np.stack(np.meshgrid(reach, reach, indexing="ij"), -1).reshape(-1, 2)
    return Graph(lattice, cells[abs(cells.sum(1)) < size])


class Walk(NamedTuple):
    """A walk: nodes (step,) and the actions (step,) that led there; the first action stays."""

    node: np.ndarray
    action: np.ndarray

    def visited(self) -> np.ndarray:
        """Whether the node of a step was visited before it, (step,)."""
        first = np.zeros(self.node.size, bool)
        first[np.unique(self.node, return_index=True)[1]] = True
        return ~first


def walk_on(graph: Graph, steps: int, random: np.random.Generator) -> Walk:
    """A walk of that many steps from a random node.

    A hidden heading turns a little in every step. The walk follows it to the neighbour that is
    nearest to it, or moves to a random neighbour if none is near. Most moves follow no heading:
    they go to a random neighbour or stay.
    """
    facts, places = LATTICES[graph.lattice], graph.neighbour.tolist()
    open_ways = [[a for a, to in enumerate(row) if to >= 0] for row in places]  # the last stays
    headings = random.uniform(-np.pi, np.pi) + np.cumsum(random.uniform(-ANGLE, ANGLE, steps))
    off = abs(np.angle(np.exp(1j * (headings[:, None] - graph.headings))))
    ahead = np.where(off.min(1) <= facts.reach + 1e-12, off.argmin(1), graph.stay).tolist()
    free, chosen = (random.random(steps) < facts.free).tolist(), random.random(steps).tolist()
    node = int(random.integers(len(places)))
    nodes, actions = [node], [graph.stay]
    for t in range(1, steps):
        ways, way = open_ways[node], ahead[t]
        if free[t]:
            way = ways[int(chosen[t] * len(ways))]
        elif way == graph.stay or places[node][way] < 0:
            way = ways[int(chosen[t] * (len(ways) - 1))]
        node = places[node][way]
        nodes.append(node)
        actions.append(way)
    return Walk(np.array(nodes), np.array(actions))


def symbols_of(graph: Graph, symbols: int, random: np.random.Generator) -> np.ndarray:
    """A symbol (node,) for each node, from 0 to `symbols` - 1, independent and uniform."""
    return random.integers(symbols, size=len(graph.cells))


class Environment(NamedTuple):
    """A graph with a symbol at each node, and a walk on it."""

    graph: Graph
    symbol: np.ndarray
    walk: Walk


def environment(
    lattice: str, sizes: Sequence[int], symbols: int, steps: int, random: np.random.Generator
) -> Environment:
    """An environment whose size is one of `sizes`, with fresh symbols and a walk."""
    graph = graph_of(lattice, int(random.choice(sizes)))
    return Environment(graph, symbols_of(graph, symbols, random), walk_on(graph, steps, random))
