"""Checks before the first job: what a run asks for in vain is one line each."""

import sys
from pathlib import Path

import pytest
import yaml
from nofreelunch.running import preflight, slurm
from nofreelunch.running.slurm import Asked

ROOT = Path(__file__).parents[2]
CLUSTER = slurm.partitions("cpu*|1:00:00|(null)\ngpu|1:00:00|gpu:2\n")


@pytest.fixture
def say(monkeypatch):
    """A function that sets what commands answer, by their first word."""

    def answers(**said):
        slurm.cluster_partitions.cache_clear()
        monkeypatch.setattr(slurm, "say", lambda command, *_: said.get(command[0].split("/")[-1]))

    yield answers
    slurm.cluster_partitions.cache_clear()


def python(answer):
    return {sys.executable.split("/")[-1]: answer}


def test_the_device_of_this_machine_is_asked_of_another_process():
    assert preflight.device_here("cpu", "float32") == ("cpu", "")
    device, reason = preflight.device_here("gpu", "float32")
    assert device == "" and reason.startswith("compute.device: found 'gpu'; allowed: auto, cpu")


@pytest.mark.parametrize(
    ("device", "driver", "torch_sees", "gpus"),
    [
        ("cpu", True, "cuda", 0),
        ("auto", False, "cuda", 0),  # without a driver, torch is not asked
        ("auto", True, "cpu", 0),
        ("auto", True, "cuda", 1),
        ("cuda", False, "cpu", 1),
    ],
)
def test_gpus_of_this_machine(say, monkeypatch, device, driver, torch_sees, gpus):
    monkeypatch.setattr(slurm, "has_gpu_driver", lambda: driver)
    say(**python(f"{torch_sees}\n"))
    assert preflight.gpus_here(device) == gpus


def test_a_device_or_precision_that_is_not_here_is_one_line(say):
    say(**python("compute.device: found 'cuda', but ...\n"))
    assert preflight.of_device("cuda", "float32", True) == ["compute.device: found 'cuda', but ..."]
    assert preflight.of_device("cuda", "float32", False) == []
    assert preflight.of_device("auto", "float32", True) == []  # always there, so not asked
    say(**python("cpu\n"))
    assert preflight.of_device("auto", "bfloat16", True) == []


def test_a_machine_without_slurm_is_told_where_to_start(say):
    say()
    (line,) = preflight.of_slurm([], "auto")
    assert line.startswith("sinfo: no answer") and "login node" in line


def test_what_a_cluster_lacks(say):
    say(sinfo="cpu*|1:00:00|(null)\n")
    asked = [Asked("training", "cpu", 30, 1)]
    lines = preflight.of_slurm(asked, "cpu")
    assert [line.split(": ")[3] for line in lines] == ["gpu", "gpu"]
    assert "allowed: 0, as compute.device is cpu" in lines[0]
    assert "allowed: at most 0" in lines[1]


@pytest.mark.parametrize(("device", "gpus"), [("cpu", 0), ("cuda", 1), ("auto", 0), ("auto", 1)])
def test_gpus_that_fit_the_device(device, gpus):
    assert preflight.contradictions([Asked("training", "", 1, gpus)], device) == []
    assert preflight.contradictions([Asked("theory", "", 1, 0)], "cuda") == []


@pytest.mark.parametrize("rule", ["training", "published_training"])
def test_every_rule_that_trains_must_ask_for_the_gpu_that_it_uses(rule):
    profile = yaml.safe_load((ROOT / preflight.PROFILE).read_text())
    assert profile["set-resources"][rule]["gpu"] == 1
    assert any(f"rule {rule}:" in path.read_text() for path in ROOT.glob("workflow/rules/*.smk"))
    (line,) = preflight.contradictions([Asked(rule, "", 1, 0)], "cuda")
    assert f"set-resources: {rule}: gpu: found 0; allowed: 1" in line


def test_of_each_rule_the_longest_job_is_asked_for():
    jobs = [
        ("training", {"runtime": 30, "gpu": 1, "slurm_partition": "gpu"}),
        ("training", {"runtime": 90, "gres": "gpu:a100:2", "slurm_partition": "gpu"}),
        ("scores", {"runtime": 10, "gpu_model": "v100"}),
        ("theory", {}),
    ]
    assert preflight.most_asked(jobs) == [
        Asked("training", "gpu", 90, 2),
        Asked("scores", "", 10, 1, "v100"),
        Asked("theory", "", 0, 0),
    ]


def test_jobs_of_an_earlier_run_are_named(say, monkeypatch):
    monkeypatch.setattr(preflight.os, "getcwd", lambda: "/here")
    say(squeue="7|rule_training_wildcards_a|/here\n8|rule_training_wildcards_b|/there\n")
    comments = [f"rule_training_wildcards_{name}" for name in "ab"]
    (line,) = preflight.of_earlier_run("results/mine", comments)
    assert line.startswith("results/mine: ") and "`scancel 7`" in line
    assert preflight.of_earlier_run("results/mine", []) == []


def test_records_and_locks_are_those_of_snakemake(tmp_path, monkeypatch):
    """Of its version that is pinned, as a workflow test with real ones shows."""
    monkeypatch.chdir(tmp_path)
    assert not preflight.recorded("results/mine/summary.nc")
    assert preflight.recorded("results/" + 200 * "long")
    assert not preflight.locked("results/mine")
    (tmp_path / ".snakemake/locks").mkdir(parents=True)
    (tmp_path / ".snakemake/locks/0.output.lock").write_text("results/mine/summary.nc\n")
    assert preflight.locked("results/mine") and not preflight.locked("results/other")


@pytest.mark.parametrize("path", ["/a b/python", "/it's/python", "/$HOME/python"])
def test_an_interpreter_that_the_shell_would_not_find_is_named(path):
    (line,) = preflight.of_interpreter(path)
    assert line.startswith(f"{path}: found ") and line.endswith("move the environment")


def test_accents_and_usual_signs_in_a_path_are_no_hindrance():
    assert preflight.of_interpreter("/käfig-1.0@x+y~/bin/python3") == []
