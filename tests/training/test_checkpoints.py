"""Checkpoints: what a killed job loses (nothing), and what is not taken for a checkpoint."""

import errno
import logging
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from nofreelunch.files import datasets
from nofreelunch.files.datasets import DatasetError
from nofreelunch.training import checkpoints
from nofreelunch.training.checkpoints import Checkpoints
from training_examples import make, mixed, train, walks

NEVER = 1e9  # minutes
# Networks leave the stack after 60, 200, 210 steps; one of them drops units and draws loss steps.
SPECS = mixed()
SPECS[0]["loss_steps"] = 3


@pytest.fixture(scope="module")
def pool():
    return walks()


@pytest.fixture(scope="module")
def whole(pool):
    """The networks as they come out of a job that nothing happens to."""
    return train(SPECS, pool)


@pytest.fixture
def output(tmp_path):
    return tmp_path / "networks" / "cohort.nc"


def identical(one, other):
    """Byte for byte, which includes what is not a number."""
    assert one.attrs == other.attrs and set(one.variables) == set(other.variables)
    for name, values in one.variables.items():
        assert values.dtype == other[name].dtype
        assert values.values.tobytes() == other[name].values.tobytes(), name


def interrupt(output, pool, after, specs=SPECS, minutes=NEVER, code="code", **options):
    """A job that is asked to stop in its `after`-th step; its checkpoint."""
    saving, steps = Checkpoints(output, minutes, code), iter(range(1, after + 1))
    due = saving.due

    def asked():
        if next(steps) == after:
            os.kill(os.getpid(), signal.SIGTERM)
        return due()

    saving.due = asked
    with pytest.raises(SystemExit) as stopped:
        train(specs, pool, checkpoints=saving, **options)
    assert stopped.value.code == 128 + signal.SIGTERM
    (path,) = output.parent.glob("*.npz")
    return path


# The shortest network has 40 steps, and the longest 120.
@pytest.mark.parametrize("after", [1, 40, 41, 120])
def test_a_job_that_was_stopped_ends_as_if_it_had_not_been(after, output, pool, whole, caplog):
    interrupt(output, pool, after)
    assert f"cohort: stopped after step {after}; the same command goes on" in caplog.text
    with caplog.at_level(logging.INFO, "nofreelunch"):
        again = train(SPECS, pool, checkpoints=Checkpoints(output, NEVER, "code"))
    assert f"cohort: going on from step {after}\n" in caplog.text
    identical(again, whole)


def job(folder):
    """In a process of its own: train with a checkpoint after every step, and log."""
    logging.basicConfig(filename=folder / "log", level=logging.INFO, force=True)
    saving = Checkpoints(folder / "cohort.nc", 0, "code")
    trained = train(SPECS, walks(), checkpoints=saving)
    datasets.save(trained, folder / "cohort.nc", "training", "code")
    saving.clear()


def changed(folder):
    return [path.stat().st_mtime_ns for path in sorted(folder.glob("*.npz"))]


def run_and_kill(folder, number, wait):
    """Start a job, wait (s) after its first checkpoint, and send it a signal; its exit code."""
    process = multiprocessing.get_context("fork").Process(target=job, args=(folder,))
    before, limit = changed(folder), time.monotonic() + 60
    process.start()
    while process.is_alive() and changed(folder) == before and time.monotonic() < limit:
        time.sleep(0.002)
    time.sleep(wait)
    if number is not None:
        os.kill(process.pid, number)
    process.join(60)
    return process.exitcode


def test_kills_at_random_moments_cost_nothing(tmp_path, whole):
    random = np.random.default_rng(0)
    signals = [signal.SIGKILL] * 3 + [signal.SIGTERM] + [signal.SIGKILL] * 3
    ended = [run_and_kill(tmp_path, number, random.uniform(0, 0.06)) for number in signals]
    expected = [-number if number == signal.SIGKILL else 128 + number for number in signals]
    assert ended == expected  # none had finished
    assert run_and_kill(tmp_path, None, 0) == 0
    text = (tmp_path / "log").read_text()
    steps = [int(line.split()[-1]) for line in text.splitlines() if "going on from step" in line]
    assert len(steps) == len(signals) and steps == sorted(set(steps))
    assert text.count("stopped after step") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cohort.nc", "log"]
    with datasets.load(tmp_path / "cohort.nc", "training") as again:
        assert datasets.content(again) == datasets.content(whole)


def test_a_job_that_is_killed_before_it_writes_begins_anew(output, pool, whole):
    part = interrupt(output, pool, 100)
    part.rename(part.with_name(f".{part.name}.part"))  # what SIGKILL leaves while one is written
    identical(train(SPECS, pool, checkpoints=Checkpoints(output, NEVER, "code")), whole)


def spoil(kind, path):
    content = path.read_bytes()
    half = len(content) // 2
    path.write_bytes(
        {
            "empty": b"",
            "truncated": content[:half],
            "of zeros": bytes(len(content)),
            "text": b"not an archive",
            "flipped": content[:half] + bytes([content[half] ^ 255]) + content[half + 1 :],
        }[kind]
    )


@pytest.mark.parametrize("kind", ["empty", "truncated", "of zeros", "text", "flipped"])
def test_a_damaged_checkpoint_is_ignored(kind, output, pool, caplog):
    specs = [make(steps=30)]
    path = interrupt(output, pool, 20, specs)
    spoil(kind, path)
    again = train(specs, pool, checkpoints=Checkpoints(output, NEVER, "code"))
    assert caplog.text.count("ignored, it is damaged") == 1 and str(path) in caplog.text
    identical(again, train(specs, pool))


@pytest.mark.parametrize("what", ["code", "seed", "positions", "precision"])
def test_a_checkpoint_of_something_else_is_ignored(what, output, pool, caplog):
    specs, code, options = [make(steps=30)], "code", {}
    path = interrupt(output, pool, 20, specs)
    if what == "code":
        code = "other"
    elif what == "seed":
        pool = pool.assign_attrs(seed=7)
    elif what == "positions":
        pool = pool.assign(position=pool["position"] / 2)
    else:
        options = {"precision": "bfloat16"}
    again = train(specs, pool, checkpoints=Checkpoints(output, NEVER, code), **options)
    expected = f"{path}: ignored, it is damaged, or of other networks or code"
    assert caplog.messages[1:] == [expected]  # after the line on having been stopped
    identical(again, train(specs, pool, **options))


def test_networks_do_not_share_checkpoints(output, pool, caplog):
    """Nor do the same networks in another order, or with other loss steps."""
    specs = [make(seed=k, steps=30) for k in range(2)]
    path = interrupt(output, pool, 20, specs)
    rarely = [spec | {"loss_steps": 3} for spec in specs]
    for others in (specs[::-1], specs[:1], [specs[0], make(seed=9, steps=30)], rarely):
        again = train(others, pool, checkpoints=Checkpoints(output, NEVER, "code"))
        identical(again, train(others, pool))
        assert caplog.messages[-1] == f"{path}: ignored, it is of other networks"
        caplog.clear()
    assert len(list(output.parent.iterdir())) == 1


def test_a_checkpoint_holds_plain_arrays(output, pool):
    path = interrupt(output, pool, 70)
    with np.load(path, allow_pickle=False) as stored:
        kinds = {name: stored[name].dtype.kind for name in stored.files}
    assert set(kinds.values()) <= set("fiubU")
    assert "finished_3_recurrent" in kinds and "mean_recurrent" in kinds


def test_a_pool_that_was_read_from_a_file(output, pool, tmp_path):
    """Its attributes are numpy numbers."""
    datasets.save(pool, tmp_path / "pool.nc", "trajectories", "code")
    specs = [make(steps=30)]
    with datasets.load(tmp_path / "pool.nc", "trajectories") as read:
        interrupt(output, read, 20, specs)
        again = train(specs, read, checkpoints=Checkpoints(output, NEVER, "code"))
    for name, values in train(specs, pool).variables.items():
        np.testing.assert_array_equal(again[name].values, values.values)


@pytest.mark.parametrize("how", ["device", "fsync", "replace"])
def test_a_full_disk_leaves_the_last_good_checkpoint(how, output, pool, whole, monkeypatch):
    if how == "device" and not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    path = interrupt(output, pool, 100)
    content = path.read_bytes()
    part = path.with_name(f".{path.name}.part")
    with monkeypatch.context() as patch:
        if how == "device":
            part.symlink_to("/dev/full")
        else:

            def refuse(*arguments):
                raise OSError(errno.ENOSPC, "No space left on device")

            patch.setattr(os, how, refuse)
        with pytest.raises(DatasetError, match=r"cannot be written .No space left on") as error:
            train(SPECS, pool, checkpoints=Checkpoints(output, 0, "code"))
    assert "\n" not in str(error.value) and str(path) in str(error.value)
    assert path.read_bytes() == content and not part.is_symlink() and not part.exists()
    identical(train(SPECS, pool, checkpoints=Checkpoints(output, NEVER, "code")), whole)


def test_an_unwritable_folder_is_refused_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="no checkpoint can be written here") as error:
        Checkpoints(tmp_path / "file" / "cohort.nc", 10, "code")
    assert "\n" not in str(error.value) and str(tmp_path / "file") in str(error.value)


def test_clear_removes_what_belongs_to_the_output(tmp_path):
    saving = Checkpoints(tmp_path / "a.nc", 10, "code")
    other = Checkpoints(tmp_path / "ab.nc", 10, "code")
    for owner, group in ((saving, "0"), (saving, "1"), (other, "0")):
        owner.save(group, {}, {"x": np.zeros(3)})
    (tmp_path / ".a.checkpoint-2.npz.part").write_text("")
    (tmp_path / ".a.nc.4711.part").write_text("")
    (tmp_path / "a.nc").write_text("")
    saving.clear()
    assert {path.name for path in tmp_path.iterdir()} == {"a.nc", other.path("0").name}
    assert saving.load("0", {}) is None and other.load("0", {}).keys() == {"x"}


def test_checkpoints_are_due_every_so_many_minutes(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now[0])
    saving = Checkpoints(tmp_path / "a.nc", 2, "code")
    found = []
    for second in range(0, 360, 10):
        now[0] = second
        if saving.due():
            found.append(second)
            saving.save("0", {}, {"x": np.zeros(3)})
    assert found == [120, 240]
    saving.stop = signal.SIGTERM
    assert saving.due()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_are_listened_to_while_training_alone(number, tmp_path):
    before = signal.getsignal(number)
    saving = Checkpoints(tmp_path / "a.nc", 10, "code")
    saving.stop_if_asked("cohort", 3)
    with saving.listening():
        os.kill(os.getpid(), number)
        with pytest.raises(SystemExit) as stopped:
            saving.stop_if_asked("cohort", 3)
    assert stopped.value.code == 128 + number
    assert signal.getsignal(number) is before


def test_outside_the_main_thread_signals_are_left_alone(tmp_path):
    saving, before, seen = Checkpoints(tmp_path / "a.nc", 10, "code"), [], []

    def listen():
        with saving.listening():
            seen.append(signal.getsignal(signal.SIGTERM))

    before.append(signal.getsignal(signal.SIGTERM))
    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert seen == before
