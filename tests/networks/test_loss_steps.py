"""Loss steps: stretches of a sequence, and what is refused or warned of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nofreelunch.networks import loss_steps


@pytest.mark.parametrize(
    ("length", "steps", "expected"),
    [
        (5, "all", [1, 1, 1, 1, 1]),
        (20, 4, [1, 1, 9, 9]),
        (20, 3, [1, 1, 18]),
        (20, 5, [1, 1, 6, 6, 6]),
        (9, 5, [1, 1, 3, 2, 2]),
        (3, 3, [1, 1, 1]),
        (20, 2, [10, 10]),
        (20, 1, [20]),
    ],
)
def test_stretches(length, steps, expected):
    assert loss_steps.stands_for(length, steps).tolist() == expected


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n))))
def test_stretches_cover_the_sequence(sizes):
    length, steps = sizes
    found = loss_steps.stands_for(length, steps)
    assert len(found) == steps and found.sum() == length and found.min() >= 1
    assert steps < 3 or found[:2].tolist() == [1, 1]
    drawn = found[2:] if steps >= 3 else found
    assert drawn.max() - drawn.min() <= 1


@pytest.mark.parametrize("steps", [0, -1, 6])
def test_impossible_numbers_are_refused(steps):
    with pytest.raises(ValueError, match=f"loss_steps: found {steps}; allowed: all, or 1 to 5, "):
        loss_steps.stands_for(5, steps)


def spec(length, steps):
    return {"sequence_length": length, "loss_steps": steps}


def test_who_may_never_learn():
    fine = [spec(20, "all"), spec(20, 3), spec(2, 2), spec(1, "all")]
    assert loss_steps.warnings(fine) == []
    (one,) = loss_steps.warnings([*fine, spec(20, 2)])
    assert one.startswith("loss_steps: 1 network has fewer than 3: the first time steps")
    (two,) = loss_steps.warnings([spec(20, 2), *fine, spec(20, 1)])
    assert two.startswith("loss_steps: 2 networks have fewer than 3")
