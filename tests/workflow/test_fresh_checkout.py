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
    ],
    ids=["study", "config"],
)
def test_a_wrong_study_or_setting_is_one_line_before_any_job(checkout, name, old, new, named):
    assert named in refused(checkout, (name, old, new)).splitlines()[-1]


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
def test_a_device_that_is_not_there_stops_the_study_before_its_first_job(checkout):
    said = refused(checkout, ("config.yaml", "  device:", "  device: cuda #"))
    named = "compute.device: found 'cuda', but torch sees no CUDA device; allowed: auto, cpu"
    assert named in said


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
