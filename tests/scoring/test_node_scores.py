"""Scores of maps over nodes, against waves that are known and against chance."""

import numpy as np
import pytest
from nofreelunch.scoring import node_scores
from nofreelunch.scoring.node_scores import Lags, Nodes, score_nodes
from nofreelunch.task.graph_walks import graph_of


def nodes_of(lattice: str, size: int) -> Nodes:
    graph = graph_of(lattice, size)
    return Nodes(graph.position, graph.cells, graph.turn, graph.degrees, graph.neighbour)


def wave(nodes: Nodes, angle: float, number: float = 0.25) -> np.ndarray:
    along = nodes.position @ [np.cos(np.radians(angle)), np.sin(np.radians(angle))]
    return np.cos(2 * np.pi * number * along + 0.3)


def lattice_of(nodes: Nodes, *angles: float) -> np.ndarray:
    return sum(wave(nodes, angle) for angle in angles)


@pytest.mark.parametrize(
    ("lattice", "size", "angles", "others"),
    [("square", 9, (10, 100), (10, 70, 130)), ("triangular", 5, (10, 70, 130), (10, 100))],
)
def test_a_lattice_of_the_graphs_own_symmetry_is_found_with_its_waves(
    lattice, size, angles, others
):
    nodes = nodes_of(lattice, size)
    maps = np.stack([lattice_of(nodes, *which) for which in (angles, others, (10,))])
    found = score_nodes(maps, nodes, 100, 0)
    np.testing.assert_allclose(found["wave_number"], 0.25, atol=0.04)  # nine nodes across
    assert found["peak_count"].values.tolist() == [len(angles), len(others), 1]
    for unit, expected in enumerate((angles, others, (10,))):
        measured = np.sort(found["peak_angle"].values[unit])[: len(expected)]
        np.testing.assert_allclose(measured, expected, atol=8)  # wave vectors lie on a raster
    assert found["rotation_score"][0] > 0.95 and found["rotation_p"][0] < 0.02
    assert (found["rotation_score"][1:] < 0.5).all() and (found["rotation_p"][1:] > 0.05).all()


def test_the_periodogram_of_a_wave_that_fits_is_half_its_variance_each_way():
    nodes = nodes_of("square", 8)
    vectors = np.array([[[0.25, 0.0], [-0.25, 0.0], [0.5, 0.0], [0.0, 0.25]]])
    power = node_scores.periodogram(wave(nodes, 0.0), nodes.position, vectors)
    np.testing.assert_allclose(power[0], [0.5, 0.5, 0, 0], atol=1e-12)


def test_an_autocorrelogram_is_that_of_pairs_and_turns_exactly():
    nodes, random = nodes_of("triangular", 3), np.random.default_rng(0)
    values = random.normal(size=len(nodes.cells))
    lags = Lags(nodes)
    found = lags.correlations(values[None])[0]
    place = {tuple(cell): k for k, cell in enumerate(nodes.cells.tolist())}
    for k in range(0, len(lags.lags), 5):
        moved = [(i, place.get(tuple(cell + lags.lags[k]))) for i, cell in enumerate(nodes.cells)]
        pairs = [(i, j) for i, j in moved if j is not None]
        assert len(pairs) == lags.pairs[k]
        if len(pairs) > 2:
            one, other = values[np.array(pairs).T]
            assert found[k] == pytest.approx(np.corrcoef(one, other)[0, 1])
    turned = [place[tuple(cell)] for cell in (nodes.cells @ nodes.turn).tolist()]
    both = lags.rotation_scores(np.stack([values, values[turned]]))
    assert both[0] == pytest.approx(both[1]) and both[0] < 1
    whole = values.copy()
    for _ in range(5):  # the sum over all rotations turns into itself
        whole = values + whole[turned]
    assert lags.rotation_scores(whole[None])[0] == pytest.approx(1.0)


@pytest.mark.parametrize(("lattice", "size"), [("square", 5), ("triangular", 4)])
def test_random_maps_have_the_maps_power_at_every_scale(lattice, size):
    nodes, random = nodes_of(lattice, size), np.random.default_rng(0)
    values = random.normal(size=len(nodes.cells)) + 3
    modes, scale = node_scores.harmonics(nodes.neighbour)
    np.testing.assert_allclose(modes.T @ modes, np.eye(len(values)), atol=1e-10)
    drawn = node_scores.alike_at_every_scale(values, nodes.neighbour, 6, random)
    np.testing.assert_allclose(drawn.mean(1), values.mean())
    for band in np.unique(scale):
        own = np.square((values @ modes)[scale == band]).sum()
        np.testing.assert_allclose(np.square((drawn @ modes)[:, scale == band]).sum(1), own)
    assert abs(np.corrcoef(drawn)[0, 1]) < 0.9


def test_random_maps_are_significant_as_often_as_chance_says():
    nodes, random = nodes_of("square", 6), np.random.default_rng(0)
    smooth = random.normal(size=(150, 36)) @ np.exp(
        -(np.linalg.norm(nodes.position[:, None] - nodes.position, axis=-1) ** 2) / 2
    )
    found = score_nodes(smooth, nodes, 60, 1)
    share = float((found["rotation_p"] <= 0.05).mean())
    assert 0.01 < share < 0.11  # 5 % of 150 maps have a standard deviation of 1.8 %
    assert 0.4 < float(found["rotation_p"].mean()) < 0.6


def test_flat_maps_have_no_scores_and_unvisited_nodes_count_as_the_mean():
    nodes = nodes_of("square", 6)
    maps = np.stack([np.ones(36), lattice_of(nodes, 0, 90)])
    maps[1, 7] = np.nan
    found = score_nodes(maps, nodes, 20, 0)
    assert found["active"].values.tolist() == [False, True]
    assert found["rotation_score"].isnull().values.tolist() == [True, False]
    assert found["peak_count"][0] == 0 and found["peak_angle"][0].isnull().all()
