"""What a checkout without results says before any job, and how the README draws its rules."""

import re
import shutil

import pytest
import torch
from changes import edited, refused, told
from checkouts import ROOT, STUDY, Checkout, copy_checkout

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Checkout:
    made = copy_checkout(tmp_path_factory.mktemp("refusals") / "checkout")
    shutil.copy2(ROOT / "tests" / "studies" / STUDY, made.folder)
    return made


@pytest.mark.parametrize(
    ("name", "old", "new", "named"),
    [
        (STUDY, "place_cells: 32", "place_cell: 32", "whole.yaml: defaults.place_cell: unknown"),
        ("config.yaml", "grid_cells:", "grid_cells: 8 #", "thresholds.grid_cells: found 8; allow"),
        ("config.yaml", "  surrogates:", "  surrogates: 0400 #", "the number 0400; allowed: decim"),
    ],
    ids=["study", "config", "number"],
)
def test_a_wrong_study_or_setting_is_one_line_before_any_job(checkout, name, old, new, named):
    assert named in refused(checkout, (name, old, new)).splitlines()[-1]


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
def test_a_device_that_is_not_there_stops_the_study_before_its_first_job(checkout):
    said = refused(checkout, ("config.yaml", "  device:", "  device: cuda #"))
    named = "compute.device: found 'cuda', but torch sees no CUDA device; allowed: auto, cpu"
    assert named in said


WALKS = """
from types import SimpleNamespace

include: "Snakefile"

for name in cohorts:
    print("ARENA", name, arena_of(name))
for rule in workflow.rules:
    if rule.name == "training":
        print("PRIORITY", max(rule.priority(SimpleNamespace(cohort=name)) for name in cohorts))
    if rule.name in ("theory", "patterns"):
        print("GROWN", rule.priority)
    if rule.name.endswith("_trajectories"):
        print("WALKED", rule.priority)
        for arena in ("", "_1.1m", "_periodic", "_1.1m_periodic"):
            run = rule.params.run(SimpleNamespace(length="20", arena=arena))
            print("WALK", run["arena"], run["periodic"])
"""


def test_networks_of_an_arena_train_and_are_mapped_on_walks_through_it(checkout):
    added = "\n  arenas: {arena: [2.2, 1.1], periodic: [false, true]}\ntrajectories:"
    with edited(checkout, (STUDY, "\ntrajectories:", added)):
        said, planned = told(checkout, WALKS), checkout.dry_run()
    trained = float(*re.findall(r"^PRIORITY (\S+)$", said, re.M))
    first = re.findall(r"^(?:WALKED|GROWN) (\S+)$", said, re.M)
    assert len(first) == 4 and all(float(priority) > trained for priority in first)
    walked = [f"{side} {periodic}" for periodic in (False, True) for side in (2.2, 1.1)]
    assert re.findall(r"^WALK (\S+ \S+)$", said, re.M) == walked * 2
    arenas = dict(re.findall(r"^ARENA (\S+) (\S*)$", said, re.M))
    assert {*arenas.values()} == {"", "_1.1m", "_periodic", "_1.1m_periodic"}
    jobs = re.findall(r"^Job \d+: (?:Training|Rate maps of) (\S+)\nReason: (.*)$", planned, re.M)
    assert len(jobs) == 2 * len(arenas)
    for cohort, reason in jobs:
        (walks,) = re.findall(r"trajectories/(?:training_20|evaluation)(\S*)\.nc", reason)
        assert walks == arenas[cohort], cohort


def test_a_study_without_a_target_in_its_own_arena_grows_no_patterns(checkout):
    path = checkout.path("away.yaml")
    path.write_text("defaults: {units: 8, steps: 0}\nsweeps:\n  away: {arena: 1.1}\n")
    done = checkout.snakemake("--dry-run", study=path.name)
    planned = done.stdout + done.stderr
    assert "Drawing patterns" in planned and "Growing patterns" not in planned


GPU = """
include: "Snakefile"

asked = workflow.get_rule("training").resources.get("gpu")
print("asked:", asked and asked.value, workflow.global_resources["gpu"].value)
compute["device"] = "auto"
print("auto:", gpu_of_this_machine())
"""


@pytest.mark.skipif(torch.cuda.is_available(), reason="with a GPU here, auto has it")
def test_one_training_job_at_a_time_has_the_gpu_of_this_machine(checkout):
    """Where training is on a GPU each job asks for one, of which the profile says there is one."""
    with edited(checkout, ("config.yaml", "  device:", "  device: cuda #")):
        said = told(checkout, GPU)
    assert "\nasked: 1 1\nauto: {}\n" in said


def test_the_readme_draws_the_rules_as_they_follow_each_other(checkout):
    found = checkout.snakemake("--rulegraph", study=STUDY)
    names = dict(re.findall(r'(\d+)\[label = "(\w+)"', found.stdout))
    edges = {(names[a], names[b]) for a, b in re.findall(r"(\d+) -> (\d+)", found.stdout)}
    chart = (ROOT / "README.md").read_text(encoding="utf-8").split("```mermaid")[1].split("```")[0]
    drawn = set()
    for line in chart.strip().splitlines()[1:]:
        before, after = (side.split(" & ") for side in line.strip().split(" --> "))
        drawn |= {(a, b) for a in before for b in after}
    assert drawn == {(a, b) for a, b in edges if b != "all"}
