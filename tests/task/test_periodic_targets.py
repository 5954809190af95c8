"""Targets in an arena whose opposite walls are joined."""

import numpy as np
import pytest
import torch
from nofreelunch.task import targets
from nofreelunch.task.trajectories import inside
from target_examples import PLACE_CELLS


@pytest.mark.parametrize("name", PLACE_CELLS)
def test_in_a_periodic_arena_the_nearest_image_of_a_field_counts(name):
    """Activity and decoded positions are those of the same cells around any wall."""
    spec = {"target": name, "place_cells": 150, "place_cell_width": 0.2}
    target = targets.build_target(spec, seed=3, periodic=True)
    position = np.random.default_rng(0).uniform(-1.1, 1.1, (50, 2))
    code = target.encode(position)
    np.testing.assert_allclose(target.encode(position + np.array([2.2, -4.4])), code, atol=1e-12)
    # The same cells in the plane, with the arena moved so that the position is in its middle.
    walled = targets.build_target(spec, seed=3)
    centre = walled._parameters["centre"].clone()
    for row, one in zip(code, position, strict=True):
        walled._parameters["centre"] = inside(centre - torch.from_numpy(one), 2.2)
        walled._prepare()
        np.testing.assert_allclose(walled.encode(np.zeros(2)), row, atol=1e-12)
        found = inside(walled.decode(row) + one, 2.2)
        np.testing.assert_allclose(inside(target.decode(row) - found, 2.2), 0, atol=1e-12)
    assert (np.abs(target.decode(code)) <= 1.1).all()


def test_distances_in_a_periodic_arena_are_the_shortest():
    joined = targets.build_target("gaussian", seed=0, periodic=True)
    one, other = torch.tensor([[1.0, -1.0]]), torch.tensor([[-1.0, 1.0]])
    assert joined.distance(one, other).item() == pytest.approx(0.2 * 2**0.5, abs=1e-6)
    walled = targets.build_target("gaussian", seed=0)
    assert walled.distance(one, other).item() == pytest.approx(2 * 2**0.5, abs=1e-6)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            "cartesian",
            "periodic: found the target cartesian; allowed: a target that says `join",
        ),
        (
            {"target": "gaussian", "fields_per_cell": {"poisson": 3}},
            r"fields_per_cell: found \{.poisson.: 3\}; allowed: 1 in a periodic arena",
        ),
    ],
)
def test_what_has_no_form_in_a_periodic_arena_is_refused(spec, expected):
    with pytest.raises(ValueError, match=expected):
        targets.build_target(spec, seed=0, periodic=True)
