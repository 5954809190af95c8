"""A torus in the activity of a population: there for one lattice, and not for noise."""

import sys

import numpy as np
import pytest
from nofreelunch.errors import MissingLibrary
from nofreelunch.scoring import torus
from nofreelunch.scoring.torus import measure_torus
from synthetic_maps import bumps, hexagonal


@pytest.fixture(scope="module")
def ripser():
    return pytest.importorskip("ripser", reason="ripser is not installed: " + torus.INSTALL)


def module(period: float, units: int = 40, seed: int = 0) -> np.ndarray:
    """Maps of one grid module: a period (m) and orientation, and random phases."""
    centres = np.random.default_rng(seed).uniform(-period, period, (units, 2))
    return np.maximum([hexagonal(22, period, 0.2, centre) for centre in centres], 0)


def test_a_grid_module_is_a_torus_and_random_maps_are_none(ripser):
    maps = module(0.7)
    found = measure_torus(maps, 19, 0)
    assert found["torus_z"] > 5 and found["torus_p"] == 1 / 20
    assert min(found["torus_loops"], found["torus_void"]) > 0.35  # mean distances from the centre
    random = np.random.default_rng(1)
    noise = np.stack([torus.random_phase_maps(one, 1, random)[0] for one in maps])
    assert measure_torus(noise, 19, 0)["torus_p"] > 0.05


def test_units_of_many_places_lie_on_a_sheet_without_a_void(ripser):
    random = np.random.default_rng(0)
    places = np.stack([bumps(22, [random.uniform(0, 2.2, 2)], 0.3) for _ in range(60)])
    void = measure_torus(places, 2, 0)["torus_void"]
    assert void < 0.5 * measure_torus(module(0.7), 2, 0)["torus_void"]


def test_a_ring_has_one_loop_and_not_two(ripser):
    x = np.mgrid[:22, :22][1] * 0.1
    ring = [np.maximum(np.cos(2 * np.pi * (x / 1.1 + phase)), 0) for phase in np.arange(10) / 10]
    assert measure_torus(np.array(ring), 2, 0)["torus_loops"] < 0.2


def test_loops_and_void_must_both_stand_out(monkeypatch):
    found = iter([np.array([1.0, 0.1]), *[np.array([0.5, 0.5])] * 10, *[np.array([0.4, 0.4])] * 9])
    monkeypatch.setattr(torus, "_lifetimes", lambda maps: next(found))
    maps = np.random.default_rng(0).random((7, 8, 8))
    measured = measure_torus(maps, 19, 0)
    assert measured["torus_p"] == 1.0 and measured["torus_z"] < 0


def test_it_ignores_unvisited_bins_and_the_order_and_scale_of_units(ripser):
    maps = module(0.7)
    maps[:, 0, :3] = np.nan
    found = measure_torus(maps, 2, 0)
    for changed in (maps[::-1], 3 * maps + 1):
        other = measure_torus(changed, 2, 0)
        for hole in torus.HOLES:
            assert other[hole].item() == pytest.approx(found[hole].item(), rel=1e-6)


def test_too_few_units_have_no_torus(ripser):
    assert np.isnan(measure_torus(module(0.7, units=6), 2, 0)["torus_z"])


def test_without_ripser_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ripser", None)
    with pytest.raises(MissingLibrary, match=r"no library ripser; .*extra topology: `pip install"):
        measure_torus(module(0.7), 19, 0)
    with pytest.raises(ValueError, match="surrogates: found 1; allowed: 2 or more"):
        measure_torus(module(0.7), 1, 0)
