"""Learning curves and what people read while they wait."""

import logging
import re

import numpy as np
import pytest
import torch
from nofreelunch.training import progress
from nofreelunch.training.curves import Curves
from nofreelunch.training.progress import LIVE, Progress

LOGGER = "nofreelunch.training.progress"


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def filled(steps, losses, errors):
    """Curves whose networks have one point each."""
    curves = Curves(steps)
    curves.record(range(len(steps)), 0, torch.tensor(losses), torch.tensor(errors))
    return curves


def test_curves_have_at_least_a_hundred_points_and_the_last_step():
    steps = [1, 3, 99, 250, 12_345]
    curves = Curves(steps)
    for step in range(max(steps)):
        members = [k for k, total in enumerate(steps) if step < total]
        if curves.due(members, step).any():
            values = torch.full((len(members),), float(step))
            curves.record(members, step, values, -values)
    for k, total in enumerate(steps):
        points = curves.filled[k]
        found = curves.step[k, :points]
        assert min(total, 100) <= points <= 202
        assert found[0] == 1 and found[-1] == total and (np.diff(found) > 0).all()
        np.testing.assert_array_equal(curves.loss[k, :points], found - 1)
        np.testing.assert_array_equal(curves.error[k, :points], 1 - found)
        for values in (curves.step, curves.loss, curves.error):
            assert np.isnan(values[k, points:]).all()


def test_a_point_is_due_for_a_network_whatever_its_neighbours():
    together, alone = Curves([250, 1000]), Curves([250])
    for step in range(250):
        assert together.due([0, 1], step)[0] == alone.due([0], step)[0]
    assert together.due([1], 990).tolist() == [True]


def test_curves_are_restored_from_their_arrays():
    curves = filled([5, 500], [1.0, 2.0], [0.3, 0.4])
    again = Curves([5, 500])
    again.restore(curves.arrays())
    np.testing.assert_equal(again.arrays(), curves.arrays())
    again.record([0, 1], 4, torch.tensor([7.0, 8.0]), torch.tensor([0.1, 0.2]))
    assert again.filled.tolist() == [2, 1]
    # Step 4 is the short network's last; the long one has a point after every fifth step.
    assert again.loss[0, :2].tolist() == [1.0, 7.0] and again.loss[1, 0] == 2.0


def test_the_last_line_says_it_all(clock, caplog):
    telling = Progress("cohort", filled([8, 8], [1.5, 2.5], [0.1, 0.3]), first=0)
    clock.now += 0.5
    with caplog.at_level(logging.INFO, LOGGER):
        telling.tell(7)
    expected = (
        "cohort: step 8/8, median loss 2.0000, position error 20.0 cm, "
        "32.0 networks·steps/s (2 networks), 0 s left"
    )
    assert caplog.messages == [expected]


@pytest.mark.parametrize(
    ("steps", "first", "done", "seconds", "said"),
    [
        # One network of 1,000 steps, 100 of them in 20 s: 900 are left.
        ([1000], 0, 100, 20, "step 100/1,000, .* 5.0 networks·steps/s (1 network), 3 min left"),
        # Resumed at 500: 100 steps in 20 s, 400 are left.
        ([1000], 500, 600, 20, "step 600/1,000, .* 5.0 networks·steps/s (1 network), 80 s left"),
        # The short network has finished: 100 steps of the other in 20 s, 900 of it are left.
        ([50, 1000], 0, 100, 30, "5.0 networks·steps/s (1 network), 3 min left"),
        ([100_000], 0, 100, 20, "5.5 h left"),
    ],
)
def test_speed_and_time_left_count_steps_of_networks(
    steps, first, done, seconds, said, clock, caplog
):
    telling = Progress("cohort", filled(steps, [1.0] * len(steps), [0.1] * len(steps)), first)
    clock.now += seconds
    with caplog.at_level(logging.INFO, LOGGER):
        telling.tell(done - 1)
    assert re.search(said.replace("(", r"\(").replace(")", r"\)"), caplog.text)


def test_a_live_line_in_between(clock, caplog):
    """Once a second, for the terminal; a line for the log every quarter of a minute."""
    telling = Progress("cohort", filled([10**6], [1.0], [0.1]), first=0)
    with caplog.at_level(logging.DEBUG, LOGGER):
        for step in range(310):
            clock.now += 0.1
            telling.tell(step)
    levels = [record.levelno for record in caplog.records]
    assert levels.count(logging.INFO) == 2
    assert 25 <= levels.count(LIVE) <= 30
    for record in caplog.records:
        assert getattr(record, "live", False) == (record.levelno == LIVE)
        assert record.levelname == "INFO"


def test_curves_of_diverged_networks_are_left_out(clock, caplog, recwarn):
    nan = float("nan")
    with caplog.at_level(logging.INFO, LOGGER):
        Progress("some", filled([1, 1], [nan, 2.0], [nan, 0.5]), 0).tell(0)
        Progress("none", filled([1, 1], [nan, nan], [nan, nan]), 0).tell(0)
        Progress("new", Curves([1]), 0).tell(0)
    some, none, new = caplog.messages
    assert "loss 2.0000, position error 50.0 cm" in some
    assert "position error" not in none and "loss nan" in none and "loss nan" in new
    assert not recwarn
