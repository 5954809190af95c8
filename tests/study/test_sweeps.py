import copy
import itertools
import json
import pickle
import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from nofreelunch.networks.cohorts import Cohort, Network
from nofreelunch.study import packing, schema, sweeps
from nofreelunch.study.costs import useful_share
from nofreelunch.study.sweeps import StudyError
from nofreelunch.task import targets
from nofreelunch.task.catalogue import catalogue

REFERENCE = {"place_cells": 32, "units": 16, "steps": 30}


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """Write a study file, from a mapping or as text, and load it."""
    folder = tmp_path_factory.mktemp("studies")

    def write(content, name="mine.yaml"):
        path = folder / name
        # JSON is YAML, and unlike a YAML dump keeps the order of keys.
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return sweeps.load_study(path)

    return write


def sweep(**axes):
    return study_of({"one": axes})


def study_of(sweeps):
    return {"defaults": REFERENCE, "sweeps": sweeps}


def names(cohorts):
    return {cohort.name for cohort in cohorts}


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
    assert names(planned[0].cohorts) == names(planned[1].cohorts)
    key = one.split(":")[0]
    kinds = [repr(p.networks[0][key]) for p in planned]
    assert kinds[0] == kinds[1]  # 128 and 128.0 are equal in Python but not in a rerun record


def test_defaults_are_the_reference_configuration(plan):
    planned = plan({"defaults": {"target": "polar", "units": 8}, "sweeps": {"one": {"seed": 3}}})
    assert planned.defaults["units"] == 8
    assert planned.defaults["place_cells"] is None
    assert planned.defaults | {"seed": 3} == planned.networks[0].spec
    keys = schema.load_schema("study")["properties"]["defaults"]["properties"]
    assert list(planned.defaults) == [key for key in keys if key != "arena"]


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


AXES = {
    "target": st.lists(st.sampled_from(["cartesian", "gaussian", "difference_of_softmaxes"])),
    "cell": st.lists(st.sampled_from(["rnn", "lstm"])),
    "place_cell_width": st.lists(st.sampled_from([0.1, 0.12, 0.2, {"uniform": [0.1, 0.2]}])),
    "fields_per_cell": st.lists(st.sampled_from([1, {"poisson": 1}, {"poisson": 3}])),
    "dropout": st.lists(st.sampled_from([{"readout": 0.0}, {"readout": 0.5}, {"readout": 0.2}])),
    "learning_rate": st.lists(st.sampled_from([1e-3, 1e-2])),
    "batch_size": st.lists(st.sampled_from([10, 12, 40, 500])),
    "steps": st.lists(st.sampled_from([10, 1000])),
    "optimizer": st.lists(st.sampled_from(["adam", "sgd"])),
    "seed": st.lists(st.integers(0, 3)),
}
SWEEPS = st.fixed_dictionaries(
    {}, optional={k: v.filter(len).filter(lambda x: len(x) < 4) for k, v in AXES.items()}
)
STUDIES = st.dictionaries(st.sampled_from("abcd"), SWEEPS, min_size=1, max_size=3)
SIZES = st.one_of(st.just("auto"), st.integers(1, 5))


@settings(max_examples=50, deadline=None)
@given(STUDIES, SIZES)
def test_cohorts_hold_each_network_once_and_only_stack_what_stacks(plan, sweeps, size):
    planned = plan(study_of(sweeps))
    cohorts = planned.pack(size)
    members = [network.id for cohort in cohorts for network in cohort.networks]
    assert sorted(members) == sorted(network.id for network in planned.networks)
    assert len(names(cohorts)) == len(cohorts)
    for cohort in cohorts:
        assert 1 <= len(cohort) <= (16 if size == "auto" else size)
        assert re.fullmatch(r"[a-z0-9_-]+", cohort.name)
        for key in (*packing.STACK_KEYS, "seed"):
            assert len({network[key] for network in cohort.networks}) == 1
        assert len({network.fields_per_cell == 1 for network in cohort.networks}) == 1
        share = useful_share([network.spec for network in cohort.networks])
        assert packing.LEAST_USEFUL <= share <= 1 + 1e-9


@settings(max_examples=50, deadline=None)
@given(STUDIES, SWEEPS, SIZES)
def test_a_new_sweep_at_the_end_or_a_new_seed_changes_no_cohort(plan, sweeps, added, size):
    before = names(plan(study_of(sweeps)).pack(size))
    assert before <= names(plan(study_of(sweeps | {"last": added})).pack(size))
    first, *others = sweeps
    seeds = [*sweeps[first].get("seed", [0]), 9]
    more = {first: sweeps[first] | {"seed": seeds}} | {name: sweeps[name] for name in others}
    assert before < names(plan(study_of(more)).pack(size))


def test_which_changes_of_a_study_change_cohorts(plan):
    def packed(**sweeps):
        return names(plan(study_of(sweeps)).pack(16))

    wide = {"place_cell_width": [0.1, 0.12, 0.14], "learning_rate": 1e-3, "seed": [0, 1]}
    rates = {"place_cell_width": [0.14, 0.2], "learning_rate": [1e-3, 1e-4], "seed": [0, 1]}
    before = packed(wide=wide, rates=rates)
    assert len(before) == 4
    assert before < packed(first={"cell": "gru"}, wide=wide, rates=rates)  # nothing in common
    shared = {"place_cell_width": 0.1, "learning_rate": [1e-3, 1e-2]}
    assert before < packed(wide=wide, rates=rates, last=shared)
    assert len(before & packed(first=shared, wide=wide, rates=rates)) == 3
    assert packed(wide=wide) < before and not packed(rates=rates) & before  # 0.14 m is in both
    for other in ({"place_cell_width": [0.1, 0.12, 0.16]}, {"optimizer": ["adam", "sgd"]}):
        assert not packed(wide=wide) & packed(wide=wide | other)


@settings(max_examples=20, deadline=None)
@given(STUDIES, SIZES)
def test_cohorts_depend_on_contents_alone(plan, sweeps, size):
    renamed = {f"renamed_{name}": axes for name, axes in sweeps.items()}
    assert plan(study_of(sweeps)).pack(size) == plan(study_of(renamed)).pack(size)


def test_what_differs_by_numbers_alone_shares_a_cohort(plan):
    several = {
        "place_cell_width": [0.1, {"uniform": [0.06, 0.18]}],
        "surround": [{"width_ratio": 2}, {"variance_ratio": 2}],
        "learning_rate": [1e-3, 1e-2],
        "weight_decay": [0, 1e-4],
        "initializer": ["torch_default", "orthogonal"],
        "encoder_scale": [1, 16],
    }
    assert len(plan(sweep(**several)).pack(64)) == 1
    padded = {
        "optimizer": ["adam", "sgd"],
        "schedule": ["constant", "cosine", "warmup_cosine"],
        "dropout": {"recurrent": [0, 0.5]},
        "steps": [10, 20],
        "place_cells": [28, 32],
        "batch_size": [180, 200],
        "sequence_length": [18, 20],
    }
    assert len(plan(sweep(encoder_scale=16, **padded)).pack(192)) == 1
    graphs = {
        "target": ["gaussian", "difference_of_softmaxes"],
        "cell": ["rnn", "gru"],
        "activation": ["relu", "tanh"],
        "units": [16, 20],
        "fields_per_cell": [1, {"poisson": 3}],
    }
    assert len(plan(sweep(**graphs)).pack(64)) == 2**5


def test_a_cohort_ends_where_too_much_would_be_padding(plan):
    sizes = [4, 5, 6, 50, 60, 400, 500]
    cohorts = plan(sweep(batch_size=sizes, steps=[10, 20])).pack(64)
    batches = [sorted({n["batch_size"] for n in cohort.networks}) for cohort in cohorts]
    assert sorted(itertools.chain(*batches)) == sizes  # networks of one size stay together
    assert 2 <= len(cohorts) <= 4
    for one, other in itertools.combinations(batches, 2):  # and those of about one size, too
        assert max(one) < min(other) or max(other) < min(one)


def test_seeds_share_a_cohort_in_a_sample_alone(plan):
    """A new seed would otherwise change the cohorts of those there are; a sample it draws anew."""
    axes = {"place_cell_width": [0.1, 0.12, 0.14], "seed": list(range(20))}
    crossed = plan(sweep(**axes)).pack(16)
    assert [len({n.seed for n in cohort.networks}) for cohort in crossed] == [1] * 20
    planned = plan(sweep(sample={"count": 48}, **axes))
    sampled = planned.pack(16)
    assert [len(cohort) for cohort in sampled] == [16] * 3
    assert min(len({n.seed for n in cohort.networks}) for cohort in sampled) > 5
    later = plan(study_of({"one": {"sample": {"count": 48}, **axes}, "two": {"cell": "gru"}}))
    assert names(sampled) < names(later.pack(16))


# The random search of the published sweep, which draws all of these for each network.
SEARCH = {
    "target": "gaussian",
    "encoder_scale": 16,
    "activation": ["relu", "tanh"],
    "initializer": ["glorot_uniform", "glorot_normal", "orthogonal"],
    "optimizer": ["adam", "rmsprop", "sgd"],
    "learning_rate": [1e-5, 1e-4, 1e-3, 1e-2],
    "place_cell_width": [0.04, 0.06, 0.08, 0.10, 0.12, 0.14, 0.16, 0.18, 0.20, 0.24, 0.28],
    "place_cells": [32, 64, 128, 256, 512],
    "units": [128, 256],
    "batch_size": [30, 60, 90, 120, 150, 180],
    "sequence_length": [20, 25, 30, 35, 40],
    "steps": [1000, 4000, 8000, 12000, 16000],
    "seed": list(range(10)),
}


def test_a_random_search_packs_in_few_cohorts(plan):
    planned = plan(sweep(sample={"count": 600}, **SEARCH))
    cohorts = planned.pack(64, "cuda")
    assert sum(map(len, cohorts)) == 600
    # Four graphs of about 150 networks each, of which 64 fit: three cohorts each at least.
    assert 12 <= len(cohorts) <= 40
    shares = [useful_share([n.spec for n in cohort.networks]) for cohort in cohorts]
    assert min(shares) >= packing.LEAST_USEFUL
    assert names(cohorts) == names(plan(sweep(sample={"count": 600}, **SEARCH)).pack(64, "cuda"))
    assert len(planned.pack(1)) == 600


@pytest.mark.parametrize(
    ("units", "place_cells", "device", "size"),
    [
        (32, 64, "cpu", 16),
        (64, 64, "cpu", 4),
        (128, 256, "auto", 4),
        (64, 1024, "auto", 1),
        (256, 64, "auto", 1),
        (512, 512, "auto", 1),
        (1024, 512, "auto", 64),
        (1024, 512, "cpu", 1),
        (1024, 512, "cuda", 64),
    ],
)
def test_automatic_cohort_size(plan, units, place_cells, device, size):
    widths = [round(0.1 + 0.001 * k, 3) for k in range(100)]
    planned = plan(sweep(units=units, place_cells=place_cells, place_cell_width=widths))
    assert max(map(len, planned.pack(device=device))) == size
    if device == "auto":
        assert planned.cohorts == planned.pack()


def test_cohorts_travel_as_plain_values(plan):
    cohort = plan(sweep(place_cell_width=[0.1, {"uniform": [0.1, 0.2]}])).pack(2)[0]
    values = cohort.as_dict()
    assert yaml.safe_load(yaml.safe_dump(values)) == values
    again = Cohort.from_dict(values)
    assert again == cohort
    assert [n.spec for n in again.networks] == [n.spec for n in cohort.networks]


def test_a_network_is_its_values():
    spec = {"units": 128, "learning_rate": 1e-3, "dropout": {"readout": 0.0}, "seed": 0}
    network = Network(spec)
    same = Network({"seed": 0.0, "dropout": {"readout": 0}, "learning_rate": 0.001, "units": 128.0})
    assert network == same and len({network, same}) == 1
    assert re.fullmatch(r"[0-9a-f]{12}", network.id)
    assert network.units == network["units"] == 128
    assert pickle.loads(pickle.dumps(network)) == copy.deepcopy(network) == network
    assert Network(spec | {"seed": 1}) != network
    with pytest.raises(AttributeError, match="wheels"):
        network.wheels  # noqa: B018
