"""The sentences of Banino et al., judged on networks of known shares, errors and modules."""

import json

import numpy as np
import pytest
import xarray as xr
from nofreelunch.findings import verdicts
from nofreelunch.findings.published import paper_claims
from nofreelunch.findings.published.claims_of_banino import TESTS, error_at_end, share_grid_like
from nofreelunch.findings.published.groups_of_banino import of_banino
from nofreelunch.findings.verdicts import NOT_REPRODUCED, REPRODUCED, UNTESTABLE
from nofreelunch.scoring.grid_scores import DEFINITIONS
from nofreelunch.scoring.ring_radii import CRITERIA, INNER_RADII
from published_examples import BOTTLENECK

KINDS = {
    "dropout": {"dropout": 0.5},
    "no dropout": {"dropout": 0.0},
    "untrained": {"part": "untrained", "steps": 0},
}
SHARES = {"fixed": (0.04, 0.05, 0.1, 0.2), "phase": (0.02,) * 4, "shuffle": (0.05,) * 4}


def network(spec: dict, rng, **values) -> xr.Dataset:
    """A network with these values, and none of a paper's effects but that of the radius."""
    numbers = {"small_p_share": 0.04, "end": 0.9, "modules": 0, "modules_units": 2} | values
    shares = SHARES | {name: numbers.pop(name) for name in CRITERIA if name in numbers}
    table = np.array([shares[name] for name in CRITERIA]) * (1 + 0.02 * rng.normal())
    errors = np.linspace(0, 2 * numbers.pop("end"), 41)[1:] * (1 + 0.02 * rng.normal())
    by_radius = ("definition", "criterion", "inner_radius")
    numbers["small_p_share"] *= 1 + 0.02 * rng.normal()
    return xr.Dataset(
        {
            "grid_like_by_radius": (("network", *by_radius), [[table, 2 * table]]),
            "lstm_grid_like_by_radius": (
                ("network", "definition", "inner_radius"),
                [[table[0], table[0]]],
            ),
            "error_by_step": (("network", "step"), [errors]),
            **{name: ("network", [value]) for name, value in numbers.items()},
        },
        {
            "spec": ("network", [json.dumps(spec)]),
            "definition": list(DEFINITIONS),
            "criterion": list(CRITERIA),
            "inner_radius": list(INNER_RADII),
        },
    )


def summary(seeds: int = 5, steps: int = 300_000, **of_kind) -> xr.Dataset:
    """Networks of every kind; `of_kind` has what some of them have."""
    rng = np.random.default_rng(0)
    of_kind = {name.replace("_", " "): values for name, values in of_kind.items()}
    found = [
        network(BOTTLENECK | {"steps": steps, "seed": seed} | keys, rng, **of_kind.get(name, {}))
        for name, keys in KINDS.items()
        for seed in range(seeds)
    ]
    return xr.concat(found, "network")


def evaluated(found: xr.Dataset) -> dict[str, verdicts.Claim]:
    claims = paper_claims.evaluate({"banino_2018": found})["banino_2018"]
    return {claim.id: claim for claim in claims}


def judged(found: xr.Dataset) -> dict[str, tuple[str, str]]:
    claims = evaluated(found).values()
    return {c.id: tuple(e.verdict if e else "" for e in (c.first, c.second)) for c in claims}


def test_groups_are_told_apart_by_dropout_and_training():
    groups = of_banino(summary())
    assert [label for label, _ in groups] == list(KINDS)
    assert [found.sizes["network"] for _, found in groups] == [5, 5, 5]


def test_a_share_is_that_of_its_criterion_and_radius_by_the_papers_formula():
    found = dict(of_banino(summary()))["dropout"]
    assert share_grid_like(found, "fixed", 12.0).mean() == pytest.approx(0.2, rel=0.05)
    assert share_grid_like(found, "phase", 4.0).mean() == pytest.approx(0.02, rel=0.05)
    for keys, said in (
        ({"criterion": "mean"}, "criterion: found mean; allowed: fixed, phase, shuffle"),
        ({"inner_radius": 5.0}, "inner_radius: found 5.0; allowed: 4.0, 6.4, 9.0, 12.0"),
    ):
        with pytest.raises(ValueError) as caught:
            share_grid_like(found, **keys)
        assert str(caught.value) == said


def test_the_error_at_the_end_is_that_of_training_length():
    found = summary()  # errors grow evenly over twice the steps of training
    assert error_at_end(found).mean() == pytest.approx(0.9, rel=0.02)


def test_what_the_paper_says_is_reproduced_where_it_holds():
    quarter = {"fixed": (0.24, 0.25, 0.26, 0.27), "small_p_share": 0.2, "end": 0.16}
    modules = {"modules": 3, "modules_units": 40}
    found = judged(summary(dropout=quarter | modules))
    assert found["Ba"][0] == found["Bb"][0] == found["Bb"][1] == REPRODUCED
    assert found["Bc"] == (REPRODUCED, REPRODUCED)
    assert found["Bd"][0] == found["Be"][1] == REPRODUCED


def test_a_share_that_is_a_quarter_at_one_radius_alone_decides_nothing():
    found = summary(dropout={"fixed": (0.04, 0.25, 0.5, 0.6)})
    assert judged(found)["Bb"][0] == UNTESTABLE
    assert "The verdict depends on the inner radius." in TESTS[1](found).reason


def test_networks_that_learn_nothing_reproduce_nothing_but_the_radius():
    found = judged(summary())
    assert found["Ba"][0] == found["Bb"][1] == NOT_REPRODUCED
    assert found["Bb"][0] == UNTESTABLE  # from 12 bins on it is near a quarter
    assert found["Bc"] == (UNTESTABLE, UNTESTABLE) and found["Be"][1] == UNTESTABLE
    assert found["Bd"][0] == REPRODUCED


def test_grid_like_units_with_and_without_dropout_speak_against_its_need():
    """After any number of updates, and also where dropout gives more of them."""
    many = {"fixed": (0.2, 0.25, 0.3, 0.35), "small_p_share": 0.2}
    fewer = {"fixed": (0.2, 0.2, 0.3, 0.35), "small_p_share": 0.15}
    for without in (many, fewer):
        for steps in (4500, 300_000):
            found = judged(summary(steps=steps, dropout=many, no_dropout=without))
            assert found["Bc"] == (NOT_REPRODUCED, NOT_REPRODUCED)


def test_too_few_updates_never_speak_against_grid_cells():
    quarter = {"fixed": (0.24, 0.25, 0.26, 0.27), "small_p_share": 0.2}
    assert judged(summary(steps=4500))["Bb"] == (UNTESTABLE, UNTESTABLE)
    assert "After 4,500 of 300,000 updates" in evaluated(summary(steps=4500))["Bb"].reason
    assert judged(summary(steps=4500, dropout=quarter))["Bb"] == (REPRODUCED, REPRODUCED)
    assert judged(summary(steps=4500, dropout=quarter))["Bc"] == (UNTESTABLE, UNTESTABLE)
    same = summary(steps=4500, dropout={"fixed": (0.1, 0.1, 0.1, 0.1), "modules_units": 40})
    assert judged(same)["Bd"][0] == judged(same)["Be"][1] == UNTESTABLE
    assert "300,000" not in evaluated(summary())["Bb"].reason


def test_a_share_that_no_radius_changes_speaks_against_the_radius():
    alike = summary(dropout={"fixed": (0.1, 0.1, 0.1, 0.1)})
    scatter = 1 + 0.01 * np.random.default_rng(0).normal(size=alike["grid_like_by_radius"].shape)
    found = judged(alike.assign(grid_like_by_radius=alike["grid_like_by_radius"] * scatter))
    assert found["Bd"][0] == NOT_REPRODUCED


def test_modules_need_units_and_say_so():
    claim = TESTS[-1](summary(dropout={"modules_units": 3}))
    assert claim.second.verdict == UNTESTABLE
    assert "A module needs 10 units" in claim.reason and "more than 3" in claim.reason
    one = summary(dropout={"modules": 1, "modules_units": 40})
    assert TESTS[-1](one).second.verdict == NOT_REPRODUCED


def test_too_few_networks_are_said():
    for test in TESTS:
        claim = test(summary(seeds=2))
        assert "Needs 3 networks" in claim.reason, claim.id
        assert "nan" not in claim.reason and "unknown" not in claim.reason
