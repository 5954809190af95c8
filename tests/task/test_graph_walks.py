"""Graphs, walks on them, and what is refused."""

import itertools

import numpy as np
import pytest
from nofreelunch.task.graph_walks import LATTICES, Graph, environment, graph_of, walk_on

SMALL = {"square": 4, "triangular": 3}


@pytest.mark.parametrize(
    ("lattice", "size", "nodes"),
    [("square", 8, 64), ("square", 11, 121), ("triangular", 5, 61), ("triangular", 7, 127)],
)
def test_graphs_have_the_papers_numbers_of_nodes(lattice, size, nodes):
    assert len(graph_of(lattice, size).cells) == nodes


@pytest.mark.parametrize("lattice", LATTICES)
def test_neighbours_are_one_apart_in_the_actions_direction_and_lead_back(lattice):
    graph = graph_of(lattice, SMALL[lattice])
    opposite = np.roll(np.arange(graph.stay), graph.stay // 2)
    here, action = np.nonzero(graph.neighbour[:, :-1] >= 0)
    there = graph.neighbour[here, action]
    way = np.stack([np.cos(graph.headings), np.sin(graph.headings)], 1)[action]
    np.testing.assert_allclose(graph.position[there] - graph.position[here], way, atol=1e-12)
    np.testing.assert_array_equal(graph.neighbour[there, opposite[action]], here)
    np.testing.assert_array_equal(graph.neighbour[:, -1], np.arange(len(graph.cells)))
    apart = np.linalg.norm(graph.position[:, None] - graph.position, axis=-1)
    assert (np.abs(apart - 1) < 1e-9).sum() == here.size  # no neighbour is missing


@pytest.mark.parametrize("lattice", LATTICES)
def test_the_turn_is_a_rotation_by_the_lattices_angle(lattice):
    graph = graph_of(lattice, SMALL[lattice])
    turned = graph.cells @ graph.turn @ LATTICES[lattice].basis
    angle = np.exp(1j * np.radians(graph.degrees))
    expected = (graph.position @ [1, 1j]) * angle
    np.testing.assert_allclose(turned @ [1, 1j], expected, atol=1e-9)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([[0, 0], [0, 1], [2, 2]], "graph: found node 2 without neighbours; allowed: nodes with"),
        ([[0, 0], [0, 1], [3, 0], [3, 1]], "graph: found 2 parts without a way between them; all"),
    ],
)
def test_graphs_that_nobody_can_walk_on_are_one_line(cells, said):
    with pytest.raises(ValueError) as caught:
        Graph("square", np.array(cells))
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_lattice_that_is_not_there_is_one_line():
    with pytest.raises(ValueError, match="graph: found 'hexagonal'; allowed: square, triangular"):
        Graph("hexagonal", np.zeros((1, 2), int))


@pytest.mark.parametrize("lattice", LATTICES)
def test_a_walk_takes_actions_that_are_there_and_reaches_all_nodes(lattice):
    graph = graph_of(lattice, SMALL[lattice])
    node, action = walk_on(graph, 3000, np.random.default_rng(0))
    assert action[0] == graph.stay
    np.testing.assert_array_equal(graph.neighbour[node[:-1], action[1:]], node[1:])
    assert set(node) == set(range(len(graph.cells)))
    ways = 1 + (graph.neighbour[node[:-1], :-1] >= 0).sum(1)
    expected = LATTICES[lattice].free * np.mean(1 / ways)  # of staying; following never stays
    assert np.mean(action[1:] == graph.stay) == pytest.approx(expected, abs=0.03)


def test_a_walk_repeats_its_direction_more_often_than_by_chance():
    graph = graph_of("square", 30)
    _, action = walk_on(graph, 20000, np.random.default_rng(0))
    moves = action[action != graph.stay]
    # Free moves to four neighbours and staying repeat a fourth of the time.
    assert np.mean(moves[1:] == moves[:-1]) > 0.27


def test_a_node_counts_as_visited_from_the_second_time_on():
    graph = graph_of("square", 3)
    walk = walk_on(graph, 60, np.random.default_rng(1))
    seen, expected = set(), []
    for node in walk.node.tolist():
        expected.append(node in seen)
        seen.add(node)
    np.testing.assert_array_equal(walk.visited(), expected)


def test_symbols_are_uniform_and_other_in_every_environment():
    random = np.random.default_rng(0)
    made = [environment("square", [8], 5, 2, random).symbol for _ in range(40)]
    counts = np.bincount(np.concatenate(made), minlength=5)
    assert counts.sum() == 40 * 64 and abs(counts / counts.sum() - 0.2).max() < 0.04
    same = np.mean([np.mean(one == other) for one, other in itertools.pairwise(made)])
    assert same == pytest.approx(0.2, abs=0.03)
