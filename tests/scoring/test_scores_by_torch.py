"""Grid scores by torch, on the device that is asked for, are those of numpy."""

import numpy as np
import pytest
import xarray as xr
from meta_device import OneDevice
from nofreelunch.scoring import (
    autocorrelograms,
    grid_scores,
)
from synthetic_maps import hexagonal, smooth_noise


def test_torch_scores_the_same(monkeypatch):
    """On a processor, here; a GPU runs the same lines. Flat patches and unvisited bins included."""
    monkeypatch.setattr(grid_scores, "_torch_device", lambda device: "cpu")
    random = np.random.default_rng(4)
    for bins in (9, 20):
        rates = random.uniform(size=(12, bins, bins))
        rates[3], rates[4, :, : bins // 2], rates[5, 2:, 2:] = 1.0, 0.0, 0.7
        rates[6:9] = np.maximum(smooth_noise(bins, 0.3, 3, random), 0)
        rates[9:] = 1e-3 * hexagonal(bins, 0.7) + 1e3
        for maps in (rates, np.where(rates == rates[0, 0, 0], np.nan, rates)):
            found = grid_scores.grid_scores(maps, device="auto")
            xr.testing.assert_allclose(found, grid_scores.grid_scores(maps), rtol=0, atol=1e-9)


def test_torch_scores_maps_without_a_fallback(monkeypatch):
    """Maps that vary everywhere are not handed back."""
    monkeypatch.setattr(grid_scores, "_torch_device", lambda device: "cpu")
    rates = np.random.default_rng(5).uniform(size=(8, 20, 20))
    expected = grid_scores._ring_correlations(
        autocorrelograms.half_autocorrelograms(next(autocorrelograms.MapStack(rates).chunks()))
    )
    monkeypatch.setattr(grid_scores, "_ring_correlations", None)
    monkeypatch.setattr(grid_scores, "half_autocorrelograms", None)
    found = grid_scores._ring_correlations_on(
        "cpu", next(autocorrelograms.MapStack(rates).chunks())
    )
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_torch_scores_on_the_device_of_its_maps(monkeypatch):
    import torch

    def dense(index, values, shape, check_invariants):  # the device has no sparse tensors
        assert index.is_meta and values.is_meta
        return values.new_empty(shape)

    monkeypatch.setattr(torch, "sparse_coo_tensor", dense)
    monkeypatch.setattr(torch.Tensor, "cpu", lambda x: torch.zeros(x.shape, dtype=x.dtype))
    chunk = next(
        autocorrelograms.MapStack(np.random.default_rng(6).uniform(size=(3, 12, 12))).chunks()
    )
    with OneDevice():
        found = grid_scores._ring_correlations_on("meta", chunk)
    assert found.shape == (len(grid_scores.ANGLES), len(grid_scores.OUTER_RADII), 3)


def test_devices(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    rates = hexagonal(12, 0.7)
    xr.testing.assert_identical(
        grid_scores.published_score(rates, device="auto"),
        grid_scores.published_score(rates, device="cpu"),
    )
    with pytest.raises(
        ValueError, match=r"device: found 'cuda', but torch sees no GPU; allowed: cpu, auto"
    ):
        grid_scores.published_score(rates, device="cuda")
    with pytest.raises(ValueError, match="device: found 'gpu'; allowed: cpu, cuda, auto"):
        grid_scores.published_score(rates, device="gpu")
