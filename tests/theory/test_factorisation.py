"""Factorisations of targets: known waves, signs, and the lattices that the paper found."""

import nofreelunch as nfl
import numpy as np
import pytest
from nofreelunch.evaluation.factorised_maps import factorised_maps
from nofreelunch.task import targets
from nofreelunch.theory.factorisation import METHODS, SIDE, factorise
from published_examples import FACTORS


def target(name: str):
    return nfl.build_target({"target": name, "place_cells": 512}, seed=0)


def lengths(maps: np.ndarray) -> list[set[int]]:
    """The squared lengths, in cycles per side, of the waves in each map."""
    cycles = np.fft.fftfreq(SIDE, 1 / SIDE)
    squared = np.rint(cycles[:, None] ** 2 + cycles**2).astype(int)
    power = np.abs(np.fft.fft2(maps)) ** 2
    return [set(squared[p > 1e-6 * p.max()].tolist()) for p in power]


def test_singular_vectors_are_orthonormal_waves_of_one_length_and_the_longest_come_first():
    maps = factorise(target("gaussian"), "svd", 12).values
    flat = maps.reshape(12, -1)
    np.testing.assert_allclose(flat @ flat.T, np.eye(12), atol=1e-8)
    assert [len(found) for found in lengths(maps)] == [1] * 12
    # Four waves of one cycle, four of the square root of two, four of two.
    assert [found.pop() for found in lengths(maps)] == [1] * 4 + [2] * 4 + [4] * 4


def test_the_strongest_waves_of_a_target_with_a_surround_lie_on_its_ring():
    found = factorise(target("difference_of_softmaxes"), "svd", 8).values
    assert {squared for waves in lengths(found) for squared in waves} <= {4, 5, 8, 9, 10}


@pytest.mark.parametrize("method", ["nmf", "non_negative_ascent"])
def test_maps_that_may_not_be_negative_are_not(method):
    maps = factorise(target("difference_of_softmaxes"), method, 3).values
    assert maps.min() >= 0 and (maps.max((1, 2)) > 0).all()


def test_only_rectified_growth_on_a_ring_is_hexagonal():
    def mean_scores(name, method):
        maps = factorise(target(name), method, 32)
        found = nfl.grid_scores(maps)
        sixty = found["score_60"].sel(definition="min_max")
        return float(sixty.mean()), float(found["score_90"].mean())

    sixty, ninety = mean_scores("difference_of_softmaxes", "non_negative_ascent")
    assert sixty - ninety > 0.1, (sixty, ninety)
    sixty, ninety = mean_scores("gaussian", "ascent")
    assert ninety > 0.8 > sixty


def test_few_non_negative_factors_are_hexagonal_if_the_target_has_a_surround():
    apart = {}
    for name in ("difference_of_softmaxes", "gaussian"):
        found = nfl.grid_scores(factorise(target(name), "nmf", 9))
        apart[name] = float((found["score_60"][0] - found["score_90"]).mean())
    # Two seeds with a surround reached 0.52 and 0.62, two without −0.23 and −0.33.
    assert apart["difference_of_softmaxes"] > 0.3 and apart["gaussian"] < 0


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_gives_the_same_maps_and_another_seed_others(method):
    first, again, other = (
        factorise(target("gaussian"), method, 2, seed).values for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert abs(first - other).max() > 1e-3 * abs(first).max()


def test_what_is_not_allowed_is_one_line():
    with pytest.raises(ValueError, match="method: found 'pca'; allowed: svd, nmf, ascent"):
        factorise(target("gaussian"), "pca", 3)
    with pytest.raises(ValueError, match="count: found 0; allowed: 1 to"):
        factorise(target("gaussian"), "svd", 0)


def test_factorisations_become_maps_that_can_be_scored():
    specs = {f"network {seed}": FACTORS | {"seed": seed} for seed in (0, 1)}
    maps = factorised_maps(specs, 0.1, 0.2)
    assert dict(maps["rate_map"].sizes) == {"network": 2, "unit": 4, "y": 22, "x": 22}
    assert maps["network"].values.tolist() == list(specs)
    assert maps["position_error"].isnull().all()


def test_maps_keep_their_places_whatever_the_bins():
    """Where a bin's centre is a position of the factorisation, its value is that position's."""
    fine = factorise(targets.build_targets([FACTORS], [0]), "svd", 4)
    coarse = factorised_maps({"network": FACTORS}, 0.1, 0.2)["rate_map"][0]
    shared = {axis: np.round(coarse[axis].values, 6) for axis in ("y", "x")}
    expected = fine.assign_coords(y=fine["y"].round(6), x=fine["x"].round(6)).sel(shared)
    np.testing.assert_allclose(coarse, expected, atol=1e-6)
