"""The full studies: how many networks they plan, where each sweep comes from, and their page."""

import re
from pathlib import Path

import pytest
import sweeps as docs_sweeps
import yaml
from nofreelunch.networks.cohorts import Network
from nofreelunch.study import schema, sweeps
from nofreelunch.study.schema import read_yaml
from nofreelunch.study.sweeps import StudyError
from nofreelunch.task import targets
from nofreelunch.task.arena import bin_count

ROOT = Path(__file__).parents[2]
BUDGET = ("units", "place_cells", "steps", "batch_size", "sequence_length", "schedule")


@pytest.fixture(scope="module")
def paper():
    return sweeps.load_study("paper")


@pytest.fixture(scope="module")
def corrected():
    return sweeps.load_study("corrected")


def specs(planned, sweep):
    networks = {network.id: network.spec for network in planned.networks}
    return [networks[member] for member in planned.sweeps[sweep]]


def values(planned, sweep, key):
    return {spec[key] for spec in specs(planned, sweep)}


def test_the_neurips_sweeps_are_the_networks_of_the_talk(paper):
    for analysed, names in docs_sweeps.NEURIPS.values():
        assert sum(len(paper.sweeps[name]) for name in names) == analysed
    members = [member for name in docs_sweeps.neurips_sweeps() for member in paper.sweeps[name]]
    assert len(members) == len(set(members)) == 11_608


def test_the_workshop_sweeps_are_the_networks_of_the_talk(paper):
    analysed = {
        name: docs_sweeps.sweeps("paper")[name]["source"]["analysed"]
        for name in docs_sweeps.WORKSHOP
    }
    assert sum(analysed.values()) == 415
    more = {n: len(paper.sweeps[n]) - analysed[n] for n in analysed}
    assert {n: k for n, k in more.items() if k} == {"workshop_dos_mixed": 8, "workshop_dog": 69}


def test_networks_per_sweep(paper):
    counts = {name: len(members) for name, members in paper.sweeps.items()}
    expected = {
        "neurips_gaussian_grid": 661,
        "neurips_gaussian_random": 604,
        "neurips_dos_widths": 4 * 4 * 2 * 3,
        "neurips_dos_fields": 2 * 3 * 3 * 2 * 3,
        "neurips_ideal": 6,
        "neurips_cells": 5 * 4 * 5,
        "amplitude_ratios": 21 * 2 * 2 * 3,
        "workshop_polar": 36,
        "workshop_dos_widths": 17 * 3,
        "workshop_dos_surrounds": 24,
        "workshop_dos_fields": 4 * 3,
        "workshop_sod": 27,
        "workshop_optimizers": 16,
        "workshop_ideal": 16,
    }
    assert {name: counts[name] for name in expected} == expected
    assert len(counts) == 28


@pytest.mark.parametrize("name", ["paper", "corrected"])
def test_each_network_is_planned_once_and_each_grid_is_whole(name, request):
    planned = request.getfixturevalue(name)
    assert len({network.id for network in planned.networks}) == len(planned.networks)
    for sweep, said in docs_sweeps.sweeps(name).items():
        members = planned.sweeps[sweep]
        assert len(set(members)) == len(members)
        drawn = said.get("sample", {}).get("count")
        # A grid with an axis that its target does not use would cross to fewer networks.
        assert len(members) == (drawn or docs_sweeps.crossed(said))
        assert drawn is None or drawn <= docs_sweeps.crossed(said)


@pytest.mark.parametrize("name", ["paper", "corrected"])
def test_each_sweep_has_a_source(name):
    for sweep, said in docs_sweeps.sweeps(name).items():
        source = said["source"]
        published = re.search(r"talk|sweeps? [a-z0-9]{8}\b", source["cite"])
        asked = re.match(r"Results? [1-6]", source["cite"])
        assert published if name == "paper" else asked, sweep
        if "sample" in said:  # what is not the whole grid says why it has that many
            assert source.get("note") or source["analysed"] == said["sample"]["count"], sweep


def test_the_published_base(paper):
    base = {"units": 1024, "place_cells": 512, "batch_size": 200, "steps": 200_000}
    base |= {"encoder_scale": 1, "initializer": "glorot_uniform", "schedule": "constant"}
    base |= {"learning_rate": 1e-4, "weight_decay": 1e-4, "sequence_length": 20, "cell": "rnn"}
    assert {key: paper.defaults[key] for key in base} == base
    workshop = [name for name in paper.sweeps if name.startswith("workshop_")]
    assert {unit for name in workshop for unit in values(paper, name, "units")} == {4096}


def test_random_sweeps_have_the_budgets_of_their_encoding(paper):
    epochs, per_epoch = (1, 4, 8, 12, 16), {}
    for name, said in docs_sweeps.sweeps("paper").items():
        if name.endswith("_random"):
            per_epoch[name.removeprefix("neurips_").removesuffix("_random")] = said["steps"][0]
            assert said["steps"] == [n * said["steps"][0] for n in epochs]
            assert values(paper, name, "batch_size") == {30, 60, 90, 120, 150, 180}
            assert values(paper, name, "sequence_length") == {20, 25, 30, 35, 40}
    assert per_epoch == {
        "cartesian": 10_000,
        "high_dim_cartesian": 1_000,
        "high_dim_polar": 5_000,
        "gaussian": 10_000,
    }


def test_dropout_makes_networks_of_its_own(paper):
    dropped = {spec["dropout"]["readout"] for spec in specs(paper, "neurips_gaussian_grid")}
    assert dropped == {0.0, 0.5}
    copies = [
        Network(spec | {"dropout": {"readout": 0.0, "recurrent": 0.0}}).id
        for spec in specs(paper, "neurips_gaussian_grid")
    ]
    assert len(set(copies)) < len(copies)  # what the original trained up to four times


@pytest.mark.parametrize("name", [n for n in sweeps.study_names() if n != "published"])
def test_the_default_bins_fill_every_arena_of_a_study(name):
    """So that it runs with the settings as they come."""
    settings = read_yaml(ROOT / "config.yaml", ValueError)
    study = sweeps.load_study(name)
    arenas = {network.spec.get("arena", study.trajectories["arena"]) for network in study.networks}
    assert all(bin_count(arena, settings["rate_maps"]["bin_size"]) for arena in arenas)


def test_every_target_is_somewhere(paper, corrected):
    for planned in (paper, corrected):
        assert {network.target for network in planned.networks} == set(targets.target_names())


def test_corrected_matches_budgets_and_has_ten_seeds(corrected):
    shorter = {*corrected.sweeps["training_lengths"], *corrected.sweeps["controls"]}
    seeds = {}
    for network in corrected.networks:
        # Targets with two outputs have no place cells to match, and some networks are there to show
        # what fewer steps give.
        budget = {key: network[key] for key in BUDGET if network[key] is not None}
        if network.id in shorter:
            del budget["steps"]
        assert budget.items() <= corrected.defaults.items()
        seeds.setdefault(Network(network.spec | {"seed": 0}).id, set()).add(network.seed)
    assert set(map(frozenset, seeds.values())) == {frozenset(range(10))}


def test_corrected_crosses_encodings_with_cells_and_activations(corrected):
    axes = ("target", "cell", "activation")
    found = {tuple(spec[key] for key in axes) for spec in specs(corrected, "configurations")}
    assert len(found) == 9 * 4 * 4


def test_planning_does_bounded_work(monkeypatch):
    made, checked = [], []
    check = schema.check_values
    monkeypatch.setattr(sweeps, "Network", lambda spec: made.append(1) or Network(spec))
    monkeypatch.setattr(schema, "check_values", lambda *a, **k: checked.append(1) or check(*a, **k))
    planned = sweeps.load_study("paper")
    # No network is made that the study does not list, and only the values of axes are checked.
    assert len(made) == sum(map(len, planned.sweeps.values()))
    assert len(checked) < len(made) / 10


def test_a_source_changes_no_network(tmp_path):
    def load(name, **said):
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump({"sweeps": {"one": {"seed": [0, 1], **said}}}))
        return sweeps.load_study(path)

    plain, cited = load("plain"), load("cited", source={"cite": "a talk", "analysed": 7})
    assert plain.networks == cited.networks
    assert plain.sweeps == cited.sweeps
    with pytest.raises(StudyError, match=r"sweeps\.one\.source\.cites: unknown key.*mean cite"):
        load("misspelt", source={"cites": "a talk"})
    with pytest.raises(StudyError, match=r"sweeps\.one\.source\.cite: missing; allowed: text"):
        load("uncited", source={"note": "from nowhere"})


def test_the_page_is_up_to_date():
    written = (ROOT / "docs" / "sweeps.md").read_text(encoding="utf-8")
    assert written == docs_sweeps.page(), "run python docs/build/sweeps.py docs/sweeps.md"
