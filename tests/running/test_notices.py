"""Notices: results of other code or libraries and too little disk are named before a study runs."""

import shutil
from pathlib import Path

import pytest
import xarray as xr
import yaml
from nofreelunch.files import datasets
from nofreelunch.files.contract import STAGES
from nofreelunch.running import notices


@pytest.fixture
def results(tmp_path):
    """A study's folder with two scores files, of code `a`."""
    empty = xr.Dataset({name: ("network", [0.0]) for name in STAGES["scores"].variables})
    for name in ("one", "two"):
        datasets.save(empty, tmp_path / "scores" / f"{name}.nc", "scores", "a")
    return tmp_path


def always(path):
    return True


def never(path):
    return False


def test_results_of_todays_code_are_not_mentioned(results):
    planned = {"scores": {"one": "a", "two": "a", "absent": "b"}}
    assert notices.of_code(results, planned, always) == []
    assert notices.of_versions(results, "scores", ["one"]) == []


def test_results_of_other_code_are_named_with_what_follows(results):
    (line,) = notices.of_code(results, {"scores": {"one": "b", "two": "b"}}, always)
    assert line.startswith(
        "scores: the code has changed since one and 1 like it was made (a, now b)"
    )
    assert "made again" in line


def test_results_without_a_record_are_named_and_what_becomes_of_them(results):
    (line,) = notices.of_code(results, {"scores": {"one": "a", "two": "a"}}, never)
    assert "no record in .snakemake of 2 files, scores/one.nc first" in line
    assert "they are used" in line and "\n" not in line
    (line,) = notices.of_code(results, {"scores": {"one": "b"}}, never)
    assert "one was made by other code (a, now b) and is not made again" in line
    assert "--forcerun scores makes it again" in line


def test_other_versions_are_named_and_run_nothing(results, monkeypatch):
    known = notices.importlib.metadata.version

    def newer(name):
        return "99.0" if name == "torch" else known(name)

    monkeypatch.setattr(notices.importlib.metadata, "version", newer)
    (line,) = notices.of_versions(results, "scores", ["absent", "two"])
    assert f"torch {known('torch')} (now 99.0)" in line and "numpy" not in line
    assert "runs nothing again" in line


def test_results_of_another_layout_are_named_before_a_job_meets_them(results, monkeypatch):
    assert notices.of_layout(results) == []
    monkeypatch.setattr(notices, "LAYOUT", notices.LAYOUT + 1)
    (line,) = notices.of_layout(results)
    assert line.startswith(f"{results}/scores: found files of layout {notices.LAYOUT - 1}; allowed")
    assert f"move {results} away" in line and "\n" not in line


def test_a_file_that_cannot_be_read_is_left_to_its_stage(results):
    (results / "scores" / "one.nc").write_bytes(b"damaged")
    assert notices.of_code(results, {"scores": {"one": "b"}}, always) == []


def test_too_little_disk_is_named(results, monkeypatch):
    assert notices.of_space(results / "absent", 1.0) == []
    usage = shutil.disk_usage(results)._replace(free=2 * 10**9)
    monkeypatch.setattr(notices.shutil, "disk_usage", lambda path: usage)
    assert notices.of_space(results, 2e9) == []  # what is there already needs no more room
    (line,) = notices.of_space(results, 5e9)
    assert "found 2.0 GB of free disk; allowed: at least 5.0 GB" in line


@pytest.mark.parametrize(
    ("triggers", "size", "said"),
    [
        ("code input mtime params software_env", 10**11, "a fresh checkout or a touched script"),
        ("mtime", 10**11, "changes of input and params go unseen: add `--rerun-triggers input"),
        ("input mtime params", 10**6, "a copied or touched file counts as changed"),
    ],
)
def test_other_rules_on_what_runs_again_are_named(triggers, size, said):
    (line,) = notices.of_triggers(triggers.split(), size)
    assert said in line and "\n" not in line


@pytest.mark.parametrize("profile", ["default", "slurm"])
def test_the_profiles_have_the_rules_that_the_project_promises(profile):
    path = Path(__file__).parents[2] / "profiles" / profile / "config.yaml"
    settings = yaml.safe_load(path.read_text())
    assert settings["max-checksum-file-size"] == "100GB"
    assert notices.of_triggers(settings["rerun-triggers"], 10**11) == []
