"""The claim about patterns that grow without a network, on made-up patterns of known shares."""

import json

import numpy as np
import pytest
import synthetic_summary
import xarray as xr
from nofreelunch.findings import predictions
from nofreelunch.findings.claims import about_theory
from nofreelunch.findings.verdicts import NOT_REPRODUCED, REPRODUCED, UNTESTABLE


@pytest.fixture(scope="module")
def theory() -> list[xr.Dataset]:
    return synthetic_summary.theory("controls")


@pytest.fixture(scope="module")
def study() -> xr.Dataset:
    return synthetic_summary.make("controls")


def grown(theory, p_value=None, score=None) -> list[xr.Dataset]:
    """The theory with other p-values or scores of all patterns: a number for each target."""
    values = {"p_value": p_value, "score_60": score}
    return [
        one.assign({k: one[k] * 0 + v[n] for k, v in values.items() if v is not None})
        for n, one in enumerate(theory)
    ]


def test_patterns_of_rings_are_lattices_without_a_network(study, theory):
    claim = about_theory.patterns_have_lattices(study, theory)
    assert (claim.first.verdict, claim.second.verdict) == (REPRODUCED, REPRODUCED)
    rings = [bool(np.isfinite(one["predicted_period"])) for one in theory]
    assert claim.n == f"{sum(rings)} and 5 settings of targets"
    assert "p ≤ 0.05 in 60 % and 0.0 % of the patterns with a ring and without" in claim.reason
    turned = [0.5 if ring else 0.01 for ring in rings]
    claim = about_theory.patterns_have_lattices(study, grown(theory, turned))
    assert claim.second.estimate.value == 0 and claim.second.verdict == NOT_REPRODUCED


def test_patterns_below_chance_count_as_chance(study, theory):
    """Nine of ten surrogates of shuffled fields score more than all patterns: nothing is left."""
    many = [one.assign(surrogate_score=one["surrogate_score"] * 0 + 0.9) for one in theory]
    claim = about_theory.patterns_have_lattices(study, grown(many, [0.5] * len(theory)))
    assert claim.first.estimate.value == claim.second.estimate.value == 0.5
    one_kind = [
        one.assign(surrogate_score=one["surrogate_score"].where(one["kind"] == "phase", 0.9))
        for one in theory
    ]
    claim = about_theory.patterns_have_lattices(study, one_kind)
    assert claim.first.estimate.value == 0.5  # the kind that supports the claim least
    unknown = [
        one.assign(surrogate_score=one["surrogate_score"].where(one["kind"] == "phase"))
        for one in theory
    ]
    claim = about_theory.patterns_have_lattices(study, unknown)
    assert claim.first.estimate.value == 1


@pytest.mark.parametrize("size", [0.05, 0.093])
def test_noise_whose_test_is_blind_without_a_ring_is_no_pattern(study, theory, size):
    """Sixty settings with a ring whose maps pass by chance, and sixty whose maps hardly can."""
    random = np.random.default_rng(0)
    ring = next(one for one in theory if np.isfinite(one["predicted_period"]))
    many = []
    for number in range(120):
        often = size if number % 2 else 0.003
        passed = random.random(ring["p_value"].shape) < often
        above = random.random(ring["surrogate_score"].shape) < often
        one = ring.assign(
            surrogate_score=(ring["surrogate_score"].dims, np.where(above, 1.0, -0.2)),
            p_value=(ring["p_value"].dims, np.where(passed, 0.01, 0.5)),
            score_60=(ring["p_value"].dims, np.where(passed, 1.0, -0.2)),
            predicted_period=0.9 if number % 2 else np.nan,
        )
        spec = json.loads(ring.attrs["spec"]) | {"place_cell_width": 0.05 + 0.001 * number}
        many.append(one.assign_attrs(spec=json.dumps(spec)))
    claim = about_theory.patterns_have_lattices(study, many)
    assert (claim.first.verdict, claim.second.verdict) == (UNTESTABLE, UNTESTABLE)
    assert claim.second.estimate.value < 0.55


def test_targets_that_differ_in_their_number_of_cells_are_one_setting(study, theory):
    more = [
        one.assign_attrs(spec=json.dumps(json.loads(one.attrs["spec"]) | {"place_cells": 999}))
        for one in theory
    ]
    found, twice = (predictions.patterns(t, 2.2, 0.8) for t in (theory, [*theory, *more]))
    np.testing.assert_array_equal(found.ring, twice.ring)
    np.testing.assert_allclose(found.small, twice.small)
    np.testing.assert_allclose(found.excess["phase"], twice.excess["phase"])


def test_patterns_of_few_targets_or_none_decide_nothing(study, theory):
    claim = about_theory.patterns_have_lattices(study, [])
    assert (claim.first.verdict, claim.second.verdict) == (UNTESTABLE, UNTESTABLE)
    assert claim.reason.startswith("No patterns were grown.")
    rings = [one for one in theory if np.isfinite(one["predicted_period"])]
    claim = about_theory.patterns_have_lattices(study, rings)
    assert claim.second.verdict == UNTESTABLE and claim.reason.startswith("Needs targets")
    others = [one for one in theory if not np.isfinite(one["predicted_period"])]
    claim = about_theory.patterns_have_lattices(study, [*rings[:3], *others[:3]])
    assert claim.second.estimate.value == 1 and claim.second.verdict == UNTESTABLE
    assert "in 10.0 % of all orders" in claim.reason


def test_a_ring_whose_lattice_does_not_fit_in_the_arena_is_none(theory):
    periods = np.array([float(one["predicted_period"]) for one in theory])
    found = predictions.patterns(theory, 1.0, 0.8)
    assert 0 < found.ring.sum() == (periods <= 1).sum() < np.isfinite(periods).sum()
