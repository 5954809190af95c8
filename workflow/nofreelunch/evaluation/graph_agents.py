"""What agents can predict on a graph that remember nodes, edges or symbols, and nothing else."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nofreelunch.task.graph_walks import Environment


class Known(NamedTuple):
    """What is known before each step of a walk, (step,).

    Attributes:
        node: the node of the step was visited before. The node agent then predicts its symbol,
            because it knows the graph and remembers all nodes.
        edge: the same action was taken at the same node before, or the step stays. The edge agent
            then predicts the symbol that it found there.
        symbols: chance that the symbol agent is right. It remembers which symbols the visited nodes
            have, but not where, and predicts the commonest.
        link: the step reaches a visited node by an edge that was used in neither direction.
        nodes: share of the graph's nodes that were visited before the step.
        edges: share of its edges that were used before, in any direction.
    """

    node: np.ndarray
    edge: np.ndarray
    symbols: np.ndarray
    link: np.ndarray
    nodes: np.ndarray
    edges: np.ndarray


def known_of(environment: Environment) -> Known:
    """What is known at each step of an environment's walk."""
    graph, (node, action) = environment.graph, environment.walk
    before, moved = np.roll(node, 1), action != graph.stay
    moved[0] = False
    pair = np.where(np.arange(node.size) > 0, before * (graph.stay + 1) + action, -1)
    ends = np.sort([before, node], 0)
    edge = np.where(moved, ends[0] * len(graph.cells) + ends[1], -1)
    visited, taken, used = ~_first(node), ~_first(pair), ~_first(edge)
    taken = taken | (action == graph.stay)
    taken[0] = False
    count = np.sum(graph.neighbour[:, :-1] >= 0) / 2  # each edge has two directions
    return Known(
        node=visited,
        edge=taken,
        symbols=_commonest(environment.symbol[node], ~visited),
        link=visited & moved & ~used,
        nodes=_before(~visited) / len(graph.cells),
        edges=_before(moved & ~used) / count,
    )


def _commonest(symbol: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Chance (step,) that the commonest symbol of the nodes visited before is that of the step.

    `symbol` (step,) is at the node of a step, and `new` (step,) says whether the node is. Of
    several symbols that are equally common, each is predicted equally often.
    """
    seen = np.eye(symbol.max() + 1)[symbol] * new[:, None]
    counts = np.cumsum(seen, 0) - seen
    best = counts == counts.max(1, keepdims=True)
    return best[np.arange(symbol.size), symbol] / best.sum(1)


def _first(values: np.ndarray) -> np.ndarray:
    """Whether each value occurs for the first time."""
    first = np.zeros(values.size, bool)
    first[np.unique(values, return_index=True)[1]] = True
    return first


def _before(events: np.ndarray) -> np.ndarray:
    """Number of events before each step."""
    return np.cumsum(events) - events
