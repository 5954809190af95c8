"""Walks to a reward zone: how many go there, how they get there, and that they stay."""

import numpy as np
import pytest
from nofreelunch.task.reward_walks import CENTRE, SIDE, STRAIGHT, reward_walk
from nofreelunch.task.trajectories import random_walk


def test_a_share_of_walks_goes_straight_to_the_zone_and_stays():
    walks, plain = reward_walk(2000, 20, 1, 0.625), random_walk(2000, 20, 1)
    position = walks["position"].values
    np.testing.assert_array_equal(position[:, 0], plain["position"].values[:, 0])
    goes = (position != plain["position"].values).any((1, 2))
    assert goes.mean() == pytest.approx(0.625, abs=0.04)  # four standard errors
    there = position[goes]
    np.testing.assert_allclose(
        there[:, STRAIGHT], np.broadcast_to(CENTRE, (len(there), 2)), atol=1e-6
    )
    steps = np.diff(there[:, : STRAIGHT + 1], axis=1)
    np.testing.assert_allclose(steps, np.repeat(steps[:, :1], STRAIGHT, 1), atol=1e-6)
    beyond = np.abs(there[:, STRAIGHT:] - CENTRE).max(-1) - SIDE / 2
    assert beyond.mean() < 0 and beyond.max() < 0.1  # walls slow animals down, but stop none
    np.testing.assert_allclose(walks["velocity"], np.diff(position, axis=1))
    assert walks.attrs["symmetries"] == 0


def test_without_a_share_they_are_random_walks_and_with_all_they_all_go():
    plain = random_walk(50, 20, 1)["position"].values
    np.testing.assert_array_equal(reward_walk(50, 20, 1, 0.0)["position"], plain)
    assert (reward_walk(50, 20, 1, 1.0)["position"].values[:, 7] == np.float32(CENTRE)).all()
    assert reward_walk(50, 3, 1, 1.0).sizes["moment"] == 4


def test_what_is_no_probability_is_refused():
    with pytest.raises(ValueError, match=r"to_zone: found 1\.5; allowed: a probability"):
        reward_walk(10, 20, 1, 1.5)
