"""Series: the right networks, and no others."""

import json

import numpy as np
import pytest
import synthetic_summary
import xarray as xr
from nofreelunch.findings import comparisons
from nofreelunch.task.catalogue import catalogue


@pytest.fixture(scope="module")
def full() -> xr.Dataset:
    return synthetic_summary.make("full")


def edited(summary: xr.Dataset, row: int, **keys) -> xr.Dataset:
    """The summary with keys of one network's spec changed."""
    specs = [str(text) for text in summary["spec"].values]
    specs[row] = json.dumps(json.loads(specs[row]) | keys)
    return summary.assign_coords(spec=("network", specs))


def rows_of(summary: xr.Dataset, target: str) -> np.ndarray:
    return np.flatnonzero(comparisons.trained(summary)["target"].values == target)


def test_the_reference_is_the_defaults_with_every_seed(full):
    networks = comparisons.select(full)
    assert sorted(networks["seed"].values) == [0, 1, 2, 3]
    assert set(networks["cell"].values) == {"rnn"}
    np.testing.assert_array_equal(networks["place_cell_width"], 0.12)
    assert list(comparisons.of_target(full, "difference_of_softmaxes")["network"].values) == list(
        networks["network"].values
    )


@pytest.mark.parametrize("target", catalogue())
def test_every_target_is_stood_for_by_its_four_seeds(full, target):
    networks = comparisons.of_target(full, target)
    assert sorted(networks["seed"].values) == [0, 1, 2, 3]
    assert set(networks["target"].values) == {target}


def test_a_recipe_of_its_own_is_named(full):
    cartesian = comparisons.of_target(full, "cartesian")
    assert comparisons.recipe(full, cartesian) == {"learning_rate": 0.001, "encoder_scale": 1.0}
    assert comparisons.recipe(full, comparisons.select(full)) == {}


def test_sentences_call_a_target_what_the_study_has(full):
    general = "general_difference_of_gaussians"
    assert comparisons.phrase(full, general) == "Equal-area difference-of-Gaussians"
    assert comparisons.short_name(full, general, lines=True) == "Equal-\narea\nDoG"
    assert comparisons.phrase(full, "ring_of_fields") == "Ring of fields"


def test_a_target_is_named_by_the_amplitude_ratios_of_its_networks(full):
    general = "general_difference_of_gaussians"
    texts = [text.replace('"equal_area"', "3.0") for text in full["spec"].values.tolist()]
    ratio_3 = full.assign(spec=("network", texts))
    assert comparisons.phrase(ratio_3, general) == "Ratio-3 difference-of-Gaussians"
    assert comparisons.short_name(ratio_3, general) == "Ratio-3 DoG"
    assert comparisons.short_name(ratio_3, "difference_of_softmaxes") == "DoS"
    both = xr.concat([full, ratio_3], "network", data_vars="all")
    assert comparisons.short_name(both, general) == "Mixed-ratio DoG"
    other = json.dumps(comparisons.defaults(full) | {"amplitude_ratio": 2.5})
    none = full.isel(network=[]).assign_attrs(defaults=other)
    assert comparisons.short_name(none, general) == "Ratio-2.5 DoG"


def test_architectures_are_the_default_ones_first_and_then_every_other(full):
    found = comparisons.architectures(full)
    assert next(iter(found)) == ("rnn", "relu")
    assert set(found) == {
        *((cell, "relu") for cell in ("rnn", "lstm", "gru", "ugrnn", "srnn")),
        *(("rnn", activation) for activation in ("tanh", "sigmoid", "linear")),
    }
    for (cell, activation), networks in found.items():
        assert set(networks["cell"].values) == {cell}
        assert set(networks["activation"].values) == {activation}
        np.testing.assert_array_equal(networks["place_cell_width"], 0.12)
    assert found["rnn", "relu"].sizes["network"] == 4


def test_of_several_recipes_the_one_nearest_to_the_defaults_stands_for_a_target(full):
    row = rows_of(full, "cartesian")[2]
    nearer = edited(full, row, learning_rate=0.003)
    assert comparisons.of_target(nearer, "cartesian")["seed"].values.tolist() == [2]
    farther = edited(full, row, weight_decay=0.5)
    assert sorted(comparisons.of_target(farther, "cartesian")["seed"].values) == [0, 1, 3]
    # As near as the three others, which are more.
    as_near = edited(full, row, learning_rate=0.003, weight_decay=0.5)
    assert sorted(comparisons.of_target(as_near, "cartesian")["seed"].values) == [0, 1, 3]


def test_another_activation_or_place_cell_never_stands_for_a_target(full):
    row = rows_of(full, "gaussian")[0]
    for keys in ({"activation": "tanh"}, {"place_cell_width": 0.2}, {"cell": "lstm"}):
        assert comparisons.of_target(edited(full, row, **keys), "gaussian").sizes["network"] == 3


def test_networks_that_are_told_the_position_and_diverged_are_left_out(full):
    row = rows_of(full, "difference_of_softmaxes")[0]
    told = edited(full, row, cell="feedforward")
    assert comparisons.told_position(told).sizes["network"] == 1
    diverged = told["diverged"].copy(deep=True)
    diverged[row] = True
    assert comparisons.told_position(told.assign(diverged=diverged)).sizes["network"] == 0


def test_the_width_series_is_homogeneous_and_ascending(full):
    widths = comparisons.widths(full)
    assert list(widths) == [0.08, 0.10, 0.12, 0.15, 0.20]
    for width, networks in widths.items():
        assert sorted(networks["seed"].values) == [0, 1, 2, 3]
        np.testing.assert_array_equal(networks["place_cell_width"], width)


def test_the_place_cell_series_runs_from_homogeneous_to_realistic(full):
    settings = comparisons.realism(full)
    assert [s.label for s in settings] == [
        "homogeneous\nσ 0.12 m, s 2",
        "mixed widths\nσ 0.06–0.18 m, s 1.5–2.5",
        "mixed widths\nσ 0.06–1 m, s 1.25–4.5",
        "1 + Poisson(3) fields\nσ 0.12 m, s 2",
        "mixed widths and 1 + Poisson(3) fields\nσ 0.06–1 m, s 1.25–4.5",
    ]
    assert [s.networks.sizes["network"] for s in settings] == [4] * 5


def test_variance_ratios_are_not_labelled_as_width_ratios():
    spec = {"place_cell_width": 0.12, "surround": {"variance_ratio": 2.0}, "fields_per_cell": 1}
    assert comparisons.place_cell_label(spec) == "homogeneous\nσ 0.12 m, s² 2"


def test_a_diverged_network_is_in_no_series(full):
    first = comparisons.select(full)["network"].values[0]
    diverged = full["diverged"].values | (full["network"].values == first)
    fewer = full.assign(diverged=("network", diverged))
    assert comparisons.select(fewer).sizes["network"] == 3
    assert comparisons.widths(fewer)[0.12].sizes["network"] == 3
    assert (
        comparisons.trained(fewer).sizes["network"]
        == comparisons.trained(full).sizes["network"] - 1
    )


def test_a_study_without_place_cells_has_no_place_cell_series(full):
    cartesian = json.loads(str(comparisons.of_target(full, "cartesian")["spec"].values[0]))
    summary = full.assign_attrs(defaults=json.dumps(cartesian))
    assert comparisons.realism(summary) == []
    assert comparisons.widths(summary) == {}
    assert comparisons.select(summary).sizes["network"] == 4


def test_theory_is_found_by_the_whole_target(full):
    def dataset(**keys) -> xr.Dataset:
        spec = {"target": "difference_of_softmaxes", "place_cells": 256, "fields_per_cell": 1}
        return xr.Dataset(attrs={"spec": json.dumps({**spec, **keys})})

    theory = [dataset(place_cell_width=w, surround={"width_ratio": 2.0}) for w in (0.08, 0.12)]
    reference = comparisons.specs(comparisons.select(full))[0]
    assert comparisons.theory_of(theory, reference) is theory[1]
    assert comparisons.theory_of(theory[:1], reference) is None
    assert comparisons.theory_of(theory, reference | {"target": "gaussian"}) is None


@pytest.mark.parametrize(
    ("space", "label"),
    [
        ({"arena": 1.1}, "arena of 1.1 m"),
        ({"arena": 1.1, "place_cells": 64, "encoder_scale": 64.0}, "arena of 1.1 m"),
        ({"periodic": True}, "periodic arena"),
        ({"arena": 3.3, "periodic": True}, "periodic arena of 3.3 m"),
        ({"place_cell_centres": "raster"}, "place cells on a raster"),
        ({"place_cell_centres": "raster", "place_cells": 64}, "place cells on a raster"),
    ],
)
def test_networks_that_lie_elsewhere_are_a_control_and_in_no_other_series(full, space, label):
    before = {setting.label: setting.networks for setting in comparisons.controls(full)}
    texts = full["spec"].values.astype(object)
    seed = comparisons.specs(comparisons.select(full))[1]["seed"]
    moved = [k for k, spec in enumerate(comparisons.specs(full)) if spec["seed"] == seed]
    for place in moved:
        texts[place] = json.dumps(json.loads(texts[place]) | space)
    summary = full.assign_coords(spec=("network", texts.astype(str)))
    ours = {str(name) for k, name in enumerate(full["network"].values) if k not in moved}
    assert {str(name) for name in comparisons.trained(summary)["network"].values} <= ours
    after = {setting.label: setting.networks for setting in comparisons.controls(summary)}
    smaller = after.pop(label)
    assert list(after) == list(before)
    for label, networks in after.items():
        assert {*networks["network"].values} <= ours & {*before[label]["network"].values}
    reference = {*before["reference"]["network"].values}
    assert {*smaller["network"].values} == reference - ours != set()
