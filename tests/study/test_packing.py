"""Networks are packed into cohorts: of one shape, seed and about one size, by contents alone."""

import copy
import itertools
import pickle
import re

import pytest
import study_files
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from nofreelunch.networks.cohorts import Cohort, Network
from nofreelunch.study import packing
from nofreelunch.study.costs import useful_share
from study_files import study_of, sweep


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return study_files.loader(tmp_path_factory.mktemp("studies"))


def names(cohorts):
    return {cohort.name for cohort in cohorts}


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
