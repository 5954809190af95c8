"""Sweeps that a study lacks to test a claim."""

import json

import numpy as np
import pytest
import synthetic_summary
import xarray as xr
from nofreelunch.findings import comparisons
from nofreelunch.findings.claims import missing, page
from nofreelunch.findings.verdicts import UNTESTABLE


@pytest.fixture(scope="module")
def full() -> xr.Dataset:
    return synthetic_summary.make("full")


@pytest.fixture(scope="module")
def theory() -> list[xr.Dataset]:
    return synthetic_summary.theory("full")


def without(summary: xr.Dataset, **keys) -> xr.Dataset:
    """The summary without the networks whose spec has these values."""
    specs = [json.loads(text) for text in summary["spec"].values]
    kept = [not all(spec[k] == v for k, v in keys.items()) for spec in specs]
    return summary.isel(network=np.flatnonzero(kept))


def test_a_study_lacks_only_the_sweeps_that_it_does_not_have(full, theory):
    lacking = {c.id: missing.sweep_for(c.id, full) for c in page.evaluate(full, theory)}
    assert {name: keys for name, keys in lacking.items() if keys} == {
        "R3b": {"place_cell_width": [0.11, 0.12, 0.13], "seed": [0, 1, 2]},
        "Ca": {"steps": 0, "seed": [0, 1, 2]},
        "Cb": {"steps": 0, "seed": [0, 1, 2]},
        "Cd": {"cell": "feedforward", "seed": [0, 1, 2]},
        "Ce": {"cell": "feedforward", "seed": [0, 1, 2]},
        "Cg": {"place_cell_centres": "raster", "seed": [0, 1, 2]},
    }


def test_a_raster_has_a_square_number_of_place_cells(full):
    defaults = json.loads(full.attrs["defaults"])

    def lacks(**keys):
        return missing.sweep_for("Cg", full.assign_attrs(defaults=json.dumps(defaults | keys)))

    assert lacks(place_cells=512)["place_cells"] == 529
    assert lacks(fields_per_cell={"poisson": 3}) is None
    assert lacks(target="cartesian", place_cell_width=None) is None


def test_a_study_with_a_raster_lacks_none(full):
    names = comparisons.select(full)["network"].values
    specs = [
        text.replace("{", '{"place_cell_centres": "raster", ', 1) if name in names else text
        for name, text in zip(full["network"].values, full["spec"].values, strict=True)
    ]
    there = full.assign_coords(spec=("network", specs))
    assert comparisons.on_raster(there).sizes["network"] == 4
    assert missing.sweep_for("Cg", there) is None


def test_a_target_that_is_not_there_is_named(full, theory):
    found = missing.sweep_for("R2b", without(full, target="cartesian"))
    assert found == {"target": "cartesian", "seed": [0, 1, 2]}
    assert missing.sweep_for("R2c", without(full, target="cartesian")) is None


def test_both_sides_of_a_contrast_are_named(full, theory):
    less = without(full, target="difference_of_gaussians")
    found = missing.sweep_for("R6a", less)
    assert found is not None and found["target"] == "difference_of_gaussians"
    less = without(less, target="difference_of_softmaxes")
    found = missing.sweep_for("R6a", less)
    assert found is not None
    assert found["target"] == ["difference_of_gaussians", "difference_of_softmaxes"]


def test_place_cells_and_widths_are_named(full, theory):
    one = comparisons.of_target(full, "difference_of_softmaxes")
    assert missing.sweep_for("R5a", one) == {
        "place_cell_width": {"uniform": [0.06, 0.18]},
        "surround": {"width_ratio": {"uniform": [1.5, 2.5]}},
        "fields_per_cell": 1,
        "seed": [0, 1, 2],
    }
    assert missing.sweep_for("R3b", one)["place_cell_width"] == [0.11, 0.12, 0.13]
    assert missing.sweep_for("R3a", one)["place_cell_width"] == [0.08, 0.14, 0.2]
    assert missing.sweep_for("R1a", one) is None


def test_what_is_named_stands_in_the_way(full, theory):
    """Each claim for which a sweep is named is open."""
    few = full.isel(network=np.flatnonzero(full["seed"].values < 2))
    claims = {claim.id: claim for claim in page.evaluate(few, theory)}
    named = [name for name in claims if missing.sweep_for(name, few)]
    assert len(named) > 10
    for name in named:
        found = [e.verdict for e in (claims[name].first, claims[name].second) if e]
        assert set(found) == {UNTESTABLE}, name
