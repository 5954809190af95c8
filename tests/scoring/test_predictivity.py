"""Neural predictivity: populations of known answer, and sources that are made equal."""

import numpy as np
import pytest
from nofreelunch import seeds
from nofreelunch.scoring import predictivity as scoring
from nofreelunch.scoring.predictivity import predictivity
from scipy.ndimage import gaussian_filter
from sklearn.linear_model import Ridge


def smooth(count: int, seed: int = 0, side: int = 44, width: float = 4) -> np.ndarray:
    random = np.random.default_rng(seed)
    maps = [gaussian_filter(random.normal(size=(side, side)), width) for _ in range(count)]
    return np.array(maps) / np.std(maps)


def test_a_population_predicts_its_own_units_and_combinations_of_these():
    maps = smooth(40)
    mixed = np.einsum("ku,uyx->kyx", np.random.default_rng(1).normal(size=(5, 40)), maps)
    assert predictivity(maps, maps).min() > 0.99
    assert predictivity(maps, -2 * mixed + 7).min() > 0.99


def test_noise_predicts_nothing_and_is_not_predicted():
    """40 maps span 2 % of the dimensions of 1936 bins, and share as much with noise."""
    noise = np.random.default_rng(0).normal(size=(30, 44, 44))
    assert abs(predictivity(smooth(40), noise).mean()) < 0.06
    assert abs(predictivity(noise, smooth(30, seed=3)).mean()) < 0.05


def test_a_turned_copy_is_predicted_by_rich_maps_but_not_unit_by_unit():
    """A source of all orientations does not notice a turn; each unit alone is another map."""
    maps = smooth(60)
    turned = np.rot90(maps, axes=(1, 2))
    rich = smooth(200, seed=5)
    before, after = np.median(predictivity(rich, maps)), np.median(predictivity(rich, turned))
    assert before > 0.9 and after == pytest.approx(before, abs=0.02)
    alone = [
        predictivity(one[None], other[None])[0] for one, other in zip(maps, turned, strict=True)
    ]
    assert np.median(alone) < 0.3
    assert predictivity(maps[:1], maps[:1])[0] > 0.99


def test_it_is_ridge_regression_on_a_fifth_of_the_bins_in_both_forms():
    """More sources than fitted bins, and fewer, against the normal equations and a library's."""
    for count in (12, 150):
        x, cell = smooth(count, side=20), smooth(1, seed=9, side=20)
        flat, y = x.reshape(count, -1).T, cell.ravel()
        expected = []
        for split in range(10):
            order = seeds.generator(split, seeds.BIN_SPLITS).permutation(400)
            fit, test = order[:80], order[80:]
            centred = flat[fit] - flat[fit].mean(0)
            gram = centred.T @ centred + np.eye(count)
            weights = np.linalg.solve(gram, centred.T @ (y[fit] - y[fit].mean()))
            library = Ridge(alpha=1.0).fit(flat[fit], y[fit])
            np.testing.assert_allclose(weights, library.coef_, rtol=1e-6, atol=1e-8)
            expected.append(np.corrcoef(flat[test] @ weights, y[test])[0, 1])
        assert predictivity(x, cell)[0] == pytest.approx(np.mean(expected), abs=1e-9)


def test_unvisited_bins_do_not_count_and_constant_cells_have_no_score():
    maps, cells = smooth(20, side=20), smooth(4, seed=1, side=20)
    maps[:, 0] = 1e6
    cells[0, 0] = np.nan  # a cell that was not recorded there
    plain = predictivity(maps[:, 1:], cells[:, 1:])
    assert predictivity(maps, cells)[0] == pytest.approx(plain[0])
    maps[3, 0] = np.nan
    np.testing.assert_allclose(predictivity(maps, cells), plain)
    cells[1] = 5.0
    assert np.isnan(predictivity(maps, cells)[1])
    maps[3] = np.nan
    assert np.isnan(predictivity(maps, cells)).all()
    with pytest.raises(ValueError, match="cells: found 20 x 20 bins; allowed: 44 x 44"):
        predictivity(smooth(5), cells)


def test_the_same_cells_have_the_same_scores_in_any_population():
    maps, cells = smooth(20), smooth(6, seed=1)
    np.testing.assert_allclose(predictivity(maps, cells)[2:3], predictivity(maps, cells[2:3]))


def test_the_participation_ratio_counts_equal_components():
    waves = np.cos(np.outer(np.arange(1, 9), np.arange(44) + 0.5) * np.pi / 44)  # orthogonal
    maps = np.repeat(waves[:, None], 44, 1)
    assert scoring.participation_ratio(maps) == pytest.approx(8)
    assert scoring.participation_ratio(np.repeat(maps[:1], 5, 0)) == pytest.approx(1)
    assert np.isnan(scoring.participation_ratio(maps[:1]))


@pytest.mark.parametrize("count", [1, 3, 7])
def test_components_are_equal_orthogonal_and_have_the_maps_variance(count):
    maps = smooth(40)
    found = scoring.leading_components(maps, count)
    assert found.shape == (count, *maps.shape[1:])
    np.testing.assert_allclose(found.var((1, 2)), maps.var((1, 2)).sum() / count)
    flat = found.reshape(count, -1)
    np.testing.assert_allclose(np.corrcoef(flat).reshape(count, -1), np.eye(count), atol=1e-6)
    with_none = np.concatenate([found, 0 * maps[:1]])
    assert scoring.participation_ratio(with_none) == pytest.approx(count)


def test_the_leading_components_are_those_with_most_variance():
    maps = smooth(40)
    one = scoring.leading_components(maps, 1)
    strongest = np.abs(np.einsum("yx,uyx->u", one[0], maps - maps.mean((1, 2), keepdims=True)))
    random = np.random.default_rng(0).normal(size=maps.shape[1:])
    random *= one.std() / random.std()
    assert np.square(strongest).sum() > np.square(np.einsum("yx,uyx->u", random, maps)).sum()


def test_more_components_than_the_maps_have_cannot_be_had():
    maps = smooth(6)
    assert scoring.leading_components(maps, 7) is None
    assert scoring.leading_components(np.repeat(maps[:1], 5, 0), 2) is None
    assert predictivity(scoring.leading_components(maps, 6), maps).min() > 0.99


def test_sources_are_made_equal_in_units_and_mean_variance():
    maps, random = smooth(40), np.random.default_rng(0)
    some = scoring.some_units(maps, 10, random)
    assert len(some) == 10 and len(np.unique(some, axis=0)) == 10
    assert scoring.some_units(maps, 41, random) is None
    scaled = scoring.of_unit_variance(7 * maps)
    assert scaled.var((1, 2)).mean() == pytest.approx(1)
    np.testing.assert_allclose(scaled[0] / scaled[1], maps[0] / maps[1])


def test_only_maps_that_vary_and_are_finite_are_sources():
    maps = smooth(4)
    maps[0], maps[1, 3, 3], maps[2, 0, 0] = 3.0, np.inf, np.nan
    assert len(scoring.varying(maps)) == 2
