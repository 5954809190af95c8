"""Populations of cells that networks predict: synthetic ones of known kinds, and recordings."""

import numpy as np
import pytest
import xarray as xr
from nofreelunch.evaluation import populations
from nofreelunch.scoring.grid_scores import grid_scores
from nofreelunch.scoring.spatial_measures import border_score
from synthetic_maps import write_nwb

EVERY = {kind: 20 for kind in populations.KINDS}


def drawn(kind: str, count: int = 20) -> np.ndarray:
    return populations.KINDS[kind](count, 0.05, 44, np.random.default_rng(0))


def test_each_kind_is_what_it_is_called():
    grid, like = (
        np.median(grid_scores(drawn(kind))["score_60"].sel(definition="min_max"))
        for kind in ("grid", "like_grid")
    )
    assert grid > 0.8 and like < 0.5
    assert np.median(border_score(drawn("border"), 0.05)) > 0.5
    assert np.nanmedian(border_score(drawn("irregular"), 0.05)) < 0.3
    assert np.ptp(drawn("head_direction")) == 0
    for kind in populations.KINDS:
        assert drawn(kind).min() >= 0 and drawn(kind).max() <= 1


def test_grid_cells_come_in_modules_with_a_ratio_of_1_4():
    """The largest wavenumber of a map's spectrum is that of one of the four modules.

    Half of the maps of the largest period hold less than two of these, which blurs the peak.
    """
    maps = drawn("grid", 60)
    spectrum = np.abs(np.fft.rfft2(maps - maps.mean((1, 2), keepdims=True), (256, 256)))
    radius = np.hypot(np.fft.fftfreq(256, 0.05)[:, None], np.fft.rfftfreq(256, 0.05))
    peak = radius.ravel()[spectrum.reshape(60, -1).argmax(1)]
    expected = 2 / np.sqrt(3) / (0.4 * 1.4 ** np.arange(4))  # cycles per m
    nearest = np.abs(np.log(peak[:, None] / expected))
    assert np.quantile(nearest.min(1), 0.9) < np.log(1.4) / 4
    assert set(nearest.argmin(1)) == {0, 1, 2, 3}


def test_random_phases_keep_the_rates_of_grid_cells():
    random = [np.random.default_rng(0) for _ in range(2)]
    like = populations.like_grid_cells(3, 0.05, 44, random[0])
    grid = populations.grid_cells(3, 0.05, 44, random[1])
    np.testing.assert_allclose(np.sort(like.reshape(3, -1)), np.sort(grid.reshape(3, -1)))


def test_a_synthetic_population_has_its_composition_and_poisson_noise():
    cells = populations.synthetic(EVERY, 30, 0.05, 2.2, seed=1)
    kinds, counts = np.unique(cells["kind"], return_counts=True)
    assert dict(zip(kinds, counts, strict=True)) == EVERY
    dwell = 30 * 60 / 44**2
    spikes = cells.values * dwell
    np.testing.assert_allclose(spikes, spikes.round(), atol=1e-6)
    flat = spikes[cells["kind"].values == "head_direction"].reshape(20, -1)
    assert (flat.var(1) / flat.mean(1)).mean() == pytest.approx(1, abs=0.05)
    again = populations.synthetic(EVERY, 30, 0.05, 2.2, seed=1)
    xr.testing.assert_identical(again, cells)
    assert (populations.synthetic(EVERY, 30, 0.05, 2.2, seed=2) != cells).any()


def test_too_small_a_population_is_refused():
    with pytest.raises(ValueError, match="cells: found 9; allowed: 10 or more, the number of spl"):
        populations.synthetic({"grid": 9}, 30, 0.05, 2.2, seed=0)


def test_recordings_are_read_and_finer_bins_are_averaged(tmp_path):
    maps = np.random.default_rng(0).random((12, 88, 88))
    maps[0] = 4.0  # a cell whose rate does not vary is left out
    maps[1, :2, :2] = np.nan
    maps[1, 2, 2] = np.nan
    path = tmp_path / "cells.npz"
    np.savez(path, rate_map=maps, bin_size=0.025)
    cells = populations.recorded_cells(str(path), 0.05, 2.2)
    assert cells.shape == (11, 44, 44) and set(cells["kind"].values) == {"recorded"}
    assert np.isnan(cells.values[0, 0, 0])
    assert cells.values[0, 1, 1] == pytest.approx(np.nanmean(maps[1, 2:4, 2:4]))
    assert cells.values[1, 0, 0] == pytest.approx(maps[2, :2, :2].mean())


def test_recordings_may_be_an_nwb_file(tmp_path):
    maps = np.random.default_rng(0).random((12, 44, 44))
    write_nwb(tmp_path / "cells.nwb", {"rate_map": maps, "bin_size": np.full(12, 0.05)})
    cells = populations.recorded_cells(str(tmp_path / "cells.nwb"), 0.05, 2.2)
    np.testing.assert_array_equal(cells.values, maps)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"rate_map": np.eye(44) + np.zeros((12, 1, 1))}, "bin_size: found nothing; allowed: a bi"),
        (
            {"rate_map": np.eye(44) + np.zeros((12, 1, 1)), "bin_size": 0.04},
            "found 44 x 44 bins of 0.04 m; allowed: 44 x 44 bins of 0.05 m",
        ),
        (
            {"rate_map": np.eye(20) + np.zeros((12, 1, 1)), "bin_size": 0.05},
            "found 20 x 20 bins of 0.05 m; allowed: 44 x 44 bins of 0.05 m",
        ),
        (
            {"rate_map": np.eye(44) + np.zeros((9, 1, 1)), "bin_size": 0.05},
            "cells whose rate varies: found 9; allowed: 10 or more, the number of splits",
        ),
    ],
)
def test_recordings_that_do_not_fit_are_refused_in_one_line(tmp_path, arrays, said):
    path = tmp_path / "cells.npz"
    np.savez(path, **arrays)
    with pytest.raises(ValueError) as caught:
        populations.recorded_cells(str(path), 0.05, 2.2)
    assert str(caught.value).startswith(str(path)) and said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_populations_of_too_few_cells_are_named_before_anything_is_trained():
    model = {"populations": {"few": {"grid": 6, "border": 3}}, "recordings": None}
    models = {"sorscher_2019": {"predictivity": {}}, "nayebi_2021": {"predictivity": model}}
    (line,) = populations.unpredictable(models, 0.05, 2.2)
    assert line == (
        "workflow/models/nayebi_2021.yaml: populations.few: cells: found 9; allowed: 10 or more, "
        "the number of splits"
    )
    model["populations"]["few"]["border"] = 4
    assert populations.unpredictable(models, 0.05, 2.2) == []
