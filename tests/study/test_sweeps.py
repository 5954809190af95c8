"""Sweeps of a study become networks: crossed, sampled, complete and without repeats."""

import pytest
import study_files
from nofreelunch.networks.cohorts import OWN_KEYS
from nofreelunch.study import schema
from nofreelunch.study.sweeps import StudyError
from nofreelunch.task import targets
from nofreelunch.task.catalogue import catalogue
from study_files import study_of, sweep


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return study_files.loader(tmp_path_factory.mktemp("studies"))


def test_lists_are_crossed_in_file_order(plan):
    planned = plan(sweep(seed=[3, 1], units=[8, 16], cell="gru"))
    found = [(n.seed, n.units, n.cell) for n in planned.networks]
    assert found == [(3, 8, "gru"), (3, 16, "gru"), (1, 8, "gru"), (1, 16, "gru")]
    assert planned.sweeps["one"] == tuple(n.id for n in planned.networks)


def test_an_arena_belongs_to_a_network_unless_it_is_the_study_s(plan):
    """Networks without one of their own are the same as in a study that has no arenas."""
    planned = plan(sweep(arena=[1.1, 2.2, None, 3.3], seed=[0, 1]))
    assert [n.spec.get("arena") for n in planned.networks] == [1.1, 1.1, None, None, 3.3, 3.3]
    assert {n.id for n in planned.networks} > {n.id for n in plan(sweep(seed=[0, 1])).networks}
    packed = [{n.spec.get("arena") for n in cohort.networks} for cohort in planned.pack(16)]
    assert sorted(packed, key=str) == [{1.1}, {1.1}, {3.3}, {3.3}, {None}, {None}]
    assert planned.targets == plan(sweep(seed=0)).targets, "theory is of the study's arena"


def test_a_periodic_arena_is_that_of_a_network(plan):
    """Networks in arenas with walls are the same as in a study that has no other arenas."""
    planned = plan(sweep(periodic=[False, True], arena=[1.1, 2.2]))
    spaces = [(n.spec.get("arena"), n.spec.get("periodic")) for n in planned.networks]
    assert spaces == [(1.1, None), (None, None), (1.1, True), (None, True)]
    assert {n.id for n in plan(sweep()).networks} < {n.id for n in planned.networks}
    assert [len(cohort.networks) for cohort in planned.pack(16)] == [1, 1, 1, 1]
    assert planned.targets == plan(sweep()).targets


def test_a_network_of_two_sweeps_is_planned_once(plan):
    widths = {"place_cell_width": [0.12, 0.2], "seed": 0}
    planned = plan(study_of({"one": {"seed": [0, 1]}, "two": widths}))
    assert len(planned.networks) == 3
    assert planned.sweeps["two"][0] == planned.sweeps["one"][0]


def test_distributions_are_values_and_nested_lists_are_axes(plan):
    planned = plan(
        sweep(
            place_cell_width=[0.1, {"uniform": [0.06, 0.18]}],
            surround={"width_ratio": [2, {"uniform": [1.5, 2.5]}]},
            fields_per_cell={"poisson": [1, 3]},
            dropout={"readout": [0, 0.5]},
        )
    )
    assert len(planned.networks) == 2**4
    last = planned.networks[-1].spec
    assert {"uniform": [0.06, 0.18]} in [n.place_cell_width for n in planned.networks]
    assert {"width_ratio": {"uniform": [1.5, 2.5]}} in [n.surround for n in planned.networks]
    assert last["fields_per_cell"] == {"poisson": 3.0}
    assert last["dropout"]["recurrent"] == 0.0


def test_axes_a_target_does_not_use_make_no_networks(plan):
    axes = {
        "place_cell_width": [0.1, 0.2],
        "surround": {"width_ratio": [2, 3]},
        "amplitude_ratio": [1, 2],
        "fields_per_cell": [1, {"poisson": 3}],
        "place_cells": [32, 64],
    }
    counts = {
        name: len(plan(sweep(target=name, encoder_scale=1, **axes)).networks)
        for name in targets.target_names()
    }
    assert counts == {name: 2 ** len(facts.uses) for name, facts in catalogue().items()}
    assert counts["cartesian"] == 1 and counts["difference_of_softmaxes"] == 2**4


@pytest.mark.parametrize(
    ("target", "scale"), [("cartesian", 2), ("polar", 2), ("high_dim_polar", 32), ("gaussian", 32)]
)
def test_encoder_scale_place_cells_is_the_number_of_outputs(plan, target, scale):
    by_name = plan(sweep(target=target, encoder_scale="place_cells")).networks
    assert by_name[0]["encoder_scale"] == scale
    assert plan(sweep(target=target, encoder_scale=scale)).networks == by_name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("learning_rate: 1e-3", "learning_rate: 0.001"),
        ("units: 128", "units: 128.0"),
        ("weight_decay: 0", "weight_decay: 0.0"),
        ("encoder_scale: 16", "encoder_scale: 1.6e1"),
        ("fields_per_cell: 1", "fields_per_cell: 1.0"),
        ("surround: {width_ratio: 2}", "surround: {width_ratio: 2.0}"),
        ("dropout: {readout: 0.5}", "dropout: {recurrent: 0, readout: 5e-1}"),
    ],
)
def test_a_number_is_itself_however_it_is_written(plan, one, other):
    planned = [plan(f"sweeps: {{one: {{{text}}}}}") for text in (one, other)]
    assert planned[0].networks[0].spec == planned[1].networks[0].spec
    assert [c.name for c in planned[0].cohorts] == [c.name for c in planned[1].cohorts]
    key = one.split(":")[0]
    kinds = [repr(p.networks[0][key]) for p in planned]
    assert kinds[0] == kinds[1]  # 128 and 128.0 are equal in Python but not in a rerun record


def test_place_cells_on_a_raster_are_those_of_a_network(plan):
    """Networks with place cells at random positions are the same as in a study without rasters."""
    axes = {"place_cell_centres": ["random", "raster"], "place_cells": 49}
    planned = plan(sweep(**axes))
    assert [n.spec.get("place_cell_centres") for n in planned.networks] == [None, "raster"]
    assert {n.id for n in plan(sweep(place_cells=49)).networks} < {n.id for n in planned.networks}
    assert [len(cohort.networks) for cohort in planned.pack(16)] == [2]
    assert planned.targets == plan(sweep(place_cells=49)).targets
    assert plan(sweep(place_cells=[49, 64], place_cell_centres="raster")).targets == {}


def test_defaults_are_the_reference_configuration(plan):
    planned = plan({"defaults": {"target": "polar", "units": 8}, "sweeps": {"one": {"seed": 3}}})
    assert planned.defaults["units"] == 8
    assert planned.defaults["place_cells"] is None
    assert planned.defaults | {"seed": 3} == planned.networks[0].spec
    keys = schema.load_schema("study")["properties"]["defaults"]["properties"]
    assert list(planned.defaults) == [key for key in keys if key not in OWN_KEYS]


def test_loss_steps(plan):
    planned = plan(sweep(loss_steps=["all", 4, 20], sequence_length=[20, 30]))
    found = [(n.sequence_length, n.loss_steps) for n in planned.networks]
    assert found == [(20, "all"), (30, "all"), (20, 4), (30, 4), (30, 20)]
    cohorts = planned.pack(cohort_size=10)
    assert all(len({n.loss_steps for n in cohort.networks}) == 1 for cohort in cohorts)


def test_a_cell_without_a_recurrence_has_no_start_to_encode(plan):
    planned = plan(sweep(cell=["rnn", "feedforward"], encoder_scale=[1, 16]))
    found = [(n["cell"], n["encoder_scale"]) for n in planned.networks]
    assert found == [("rnn", 1), ("rnn", 16), ("feedforward", None)]
    with pytest.raises(StudyError) as error:
        plan(sweep(cell="feedforward", dropout={"recurrent": 0.5}))
    allowed = "0 for the cell feedforward, which has no recurrence"
    assert str(error.value).endswith(f"dropout.recurrent: found 0.5; allowed: {allowed}")


@pytest.mark.parametrize(
    ("steps", "allowed"),
    [
        (0, "all or a whole number >= 1"),
        (2.5, "all or a whole number >= 1"),
        ("some", "all or a whole number >= 1"),
        (21, "all, or at most 20, the sequence_length"),
    ],
)
def test_loss_steps_that_cannot_be(plan, steps, allowed):
    with pytest.raises(StudyError) as error:
        plan(sweep(loss_steps=steps))
    assert str(error.value).endswith(f"sweeps.one.loss_steps: found {steps!r}; allowed: {allowed}")


def test_trajectories_are_complete(plan):
    planned = plan(sweep() | {"trajectories": {"evaluation": {"count": 4e2}}})
    assert planned.trajectories == {
        "arena": 2.2,
        "training": {"count": 100_000, "seed": 0, "symmetries": True},
        "evaluation": {"count": 400, "steps": 50, "seed": 1},
    }
    assert isinstance(planned.trajectories["evaluation"]["count"], int)


def test_a_sample_is_drawn_from_the_crossed_space(plan):
    axes = {"learning_rate": [1e-4, 1e-3, 1e-2], "units": [8, 16], "seed": list(range(10))}
    space = {n.id for n in plan(sweep(**axes)).networks}
    few, many, other = (
        plan(sweep(sample=sample, **axes)).networks
        for sample in ({"count": 20}, {"count": 30}, {"count": 20, "seed": 1})
    )
    assert (len(few), len(set(few)), len(many)) == (20, 20, 30)
    assert {n.id for n in many} < space
    assert many[:20] == few  # a larger sample keeps the smaller one
    assert set(other) != set(few)
    assert plan(sweep(sample={"count": 60}, **axes)).networks != plan(sweep(**axes)).networks
    assert {n.id for n in plan(sweep(sample={"count": 60}, **axes)).networks} == space


def test_a_sample_of_a_space_too_large_to_list(plan):
    axes = {key: list(range(1, 101)) for key in ("units", "batch_size", "sequence_length", "steps")}
    assert len(plan(sweep(sample={"count": 50}, **axes)).networks) == 50


def test_a_sample_counts_distinct_networks(plan):
    axes = {"target": "cartesian", "place_cell_width": [0.1, 0.2, 0.3], "seed": [0, 1]}
    assert len(plan(sweep(sample={"count": 2}, **axes)).networks) == 2
    with pytest.raises(StudyError, match=r"sweeps\.one\.sample\.count: found 3; .*at most 2"):
        plan(sweep(sample={"count": 3}, **axes))
