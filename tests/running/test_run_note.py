"""The note on who is making a study."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from nofreelunch.running import run_note


@pytest.fixture
def note(tmp_path):
    """A function that changes the note which this process left."""
    run_note.begin_run(tmp_path)
    path = tmp_path / run_note.NOTE

    def change(**values):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"user": "ada", **values}))

    return change


def ended() -> int:
    """The id of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_ones_own_run_is_not_mentioned_and_ends(note, tmp_path):
    assert run_note.lock_notice(tmp_path) == []
    run_note.end_run(tmp_path)
    assert not list(tmp_path.iterdir())
    assert run_note.lock_notice(tmp_path) == []


def test_a_run_that_goes_on_is_named_and_left_alone(note, tmp_path):
    note(process=1, started=psutil.Process(1).create_time())
    (line,) = run_note.lock_notice(tmp_path)
    assert "ada's run" in line and "(process 1), which goes on" in line
    run_note.end_run(tmp_path)
    assert run_note.lock_notice(tmp_path) == [line]


def test_a_run_that_was_lost_is_told_from_one_that_goes_on(note, tmp_path):
    note(process=ended())
    (line,) = run_note.lock_notice(tmp_path)
    assert "which is gone: `snakemake --unlock`" in line


def test_another_process_of_the_same_number_is_not_the_run(note, tmp_path):
    """After the machine or the container has started anew."""
    note(process=1, started=0.0)
    (line,) = run_note.lock_notice(tmp_path)
    assert "which is gone: `snakemake --unlock`" in line
    note(started=0.0)
    (line,) = run_note.lock_notice(tmp_path)
    assert "which is gone" in line


def test_a_run_in_a_container_of_the_same_name_is_to_be_looked_for_there(note, tmp_path):
    note(numbering="pid:[1]")
    (line,) = run_note.lock_notice(tmp_path)
    assert "look there" in line
    run_note.end_run(tmp_path)
    assert run_note.lock_notice(tmp_path) == [line]


def test_a_note_of_another_version_says_nothing(note, tmp_path):
    (tmp_path / run_note.NOTE).write_text('{"process": 1, "host": "a"}')
    assert run_note.lock_notice(tmp_path) == []


def test_a_run_on_another_machine_is_to_be_looked_for_there(note, tmp_path):
    note(process=1, host="login2")
    (line,) = run_note.lock_notice(tmp_path)
    assert "on login2" in line and "look there" in line


def test_a_damaged_note_says_nothing(note, tmp_path):
    (tmp_path / run_note.NOTE).write_text("{")
    assert run_note.lock_notice(tmp_path) == []


def test_a_user_without_a_name_is_a_number(tmp_path, monkeypatch):
    def unknown():
        raise KeyError("uid not found")

    monkeypatch.setattr(run_note.getpass, "getuser", unknown)
    run_note.begin_run(tmp_path)
    assert json.loads((tmp_path / run_note.NOTE).read_text())["user"].startswith("user ")


@pytest.mark.parametrize("raised", [psutil.AccessDenied(), psutil.NoSuchProcess(1)])
def test_a_process_that_the_system_hides_counts_as_going_on(raised, note, tmp_path, monkeypatch):
    """Where /proc shows only one's own processes."""

    def hide(*arguments):
        raise raised

    def forbid(process, number):
        raise PermissionError

    monkeypatch.setattr(psutil, "Process", hide)
    monkeypatch.setattr(run_note.os, "kill", forbid)
    note(process=1, started=0.0)
    (line,) = run_note.lock_notice(tmp_path)
    assert "which goes on" in line


def test_two_studies_of_one_name_do_not_share_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    studies = [Path(person, "grid.yaml") for person in ("alice", "bob")]
    for study in studies:
        study.parent.mkdir()
        study.touch()
    results, kept = Path("results/grid"), Path(".snakemake")

    def said(study, results=results):
        return run_note.of_other_study(results, study, kept)

    assert said(studies[0]) == []
    results.mkdir(parents=True)
    assert said(studies[0]) == said(studies[0].resolve()) == []
    (line,) = said(studies[1])
    assert line.startswith("results/grid: found results of alice/grid.yaml; allowed: another file")
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "alice", copy / "alice")
    shutil.copytree(kept, copy / kept)
    monkeypatch.chdir(copy)  # a copy of all of it has its own
    results.mkdir(parents=True)
    assert said(studies[0]) == []
    studies[0].unlink()  # as after a move
    assert said(copy.parent / studies[1]) == []
