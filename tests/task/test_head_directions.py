"""Head-direction cells and narrow place cells, against exact densities."""

import nofreelunch as nfl
import numpy as np
import scipy.special
import scipy.stats
import torch
from nofreelunch.task.head_directions import HeadDirections


def test_activity_is_the_share_of_a_cell_in_the_density():
    cells = HeadDirections([3, 4], 12, 20.0)
    heading = torch.linspace(-7, 7, 30).expand(2, 30)  # also beyond a full turn
    found = cells.encode(heading).numpy()
    for network in range(2):
        density = scipy.stats.vonmises.pdf(
            heading[0].numpy()[:, None], 20.0, loc=cells.preferred[network].numpy()
        )
        np.testing.assert_allclose(
            found[network], density / density.sum(1, keepdims=True), rtol=1e-3, atol=1e-6
        )
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-5)


def test_each_network_has_directions_of_its_own_whatever_stands_beside_it():
    both, alone = HeadDirections([3, 4], 12, 20.0), HeadDirections([4], 12, 20.0)
    assert torch.equal(both.preferred[1], alone.preferred[0])
    assert not torch.equal(both.preferred[0], both.preferred[1])
    assert both.encode(torch.zeros(2, 5, 3)).shape == (2, 5, 3, 12)


def test_place_cells_of_one_centimetre_are_exact_in_single_precision():
    """Between cells the exponents are in the hundreds, and activity is nearly that of one cell."""
    target = nfl.build_target(
        {"target": "gaussian", "place_cells": 256, "place_cell_width": 0.01}, seed=10
    )
    position = np.random.default_rng(0).uniform(-1.1, 1.1, (2000, 2))
    centre = target._parameters["centre"][0, :, 0].numpy()
    squares = ((position[:, None] - centre) ** 2).sum(-1)
    expected = scipy.special.softmax(-squares / (2 * 0.01**2), axis=1)
    found = target.encode(torch.from_numpy(position).float()).numpy()
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, expected, atol=2e-3)  # rounding of exponents near 10,000
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-5)
