"""Stopping and going on: nothing finished is made again, and nothing half-made is used."""

import os
import re
import shutil
import signal
import subprocess

import held_training
import pytest
import xarray as xr
from checkouts import copy_checkout
from held_training import STUDY, hold, release
from slurm_cluster import wait

pytestmark = pytest.mark.workflow


class Training:
    """One training job, in a checkout of its own."""

    def __init__(self, checkout):
        self.checkout, self.folder = checkout, checkout.path("results/interrupted")
        self.started = []

    def start(self):
        """Snakemake in a process group of its own, as in a terminal, up to a held training job."""
        hold(self.checkout)
        process = self.checkout.start(
            "--cores", "1", "--until", "training", study=STUDY, group=True
        )
        self.started.append(process)
        wait(self.checkpoints, "a checkpoint", process)
        return process

    def run(self, *arguments):
        return self.checkout.snakemake(
            "--cores", "1", "--until", "training", *arguments, study=STUDY
        )

    def goes_on_to(self, whole):
        """Whether the same command goes on from the checkpoint, and ends as an undisturbed run."""
        release(self.checkout)
        done = self.run()
        assert done.returncode == 0, done.stderr[-3000:]
        assert int(re.search(r"going on from step (\d+)", self.log())[1]) > 0
        xr.testing.assert_identical(self.result(), whole)

    def checkpoints(self):
        return list(self.folder.glob("networks/*.npz"))

    def log(self):
        logs = self.folder.glob("logs/training/*.log")
        return "".join(path.read_text() for path in logs)

    def kill(self):
        release(self.checkout)
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def result(self):
        """The networks, from a folder in which nothing else is left."""
        (path,) = self.folder.glob("networks/*")
        return xr.load_dataset(path)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stop") / "checkout"
    return held_training.prepare(copy_checkout(folder))


@pytest.fixture(scope="module")
def whole(checkout):
    """The networks of a run that nothing happens to."""
    training = Training(checkout)
    done = training.run()
    assert done.returncode == 0, done.stderr[-3000:]
    return training.result()


@pytest.fixture
def training(checkout, whole):
    """A training job that has not begun."""
    made = Training(checkout)
    shutil.rmtree(made.folder / "networks")
    yield made
    made.kill()


def test_ctrl_c_stops_at_a_checkpoint_and_training_goes_on_elsewhere(training, whole, tmp_path):
    head = training.start()
    os.killpg(head.pid, signal.SIGINT)
    said = head.communicate()[1]
    assert head.returncode != 0 and "Traceback" not in said
    assert "stopped after step 1; the same command goes on" in training.log()
    assert training.checkpoints() and not list(training.folder.glob("networks/*.nc"))

    there = Training(held_training.prepare(copy_checkout(tmp_path / "checkout")))
    shutil.copytree(training.folder, there.folder)
    there.goes_on_to(whole)


def test_the_lock_of_a_run_says_whose_it_is_and_whether_that_goes_on(training, whole):
    def state():
        files = [*training.folder.rglob("*"), *training.checkout.path(".snakemake/locks").glob("*")]
        return {path: path.stat().st_mtime_ns for path in files}

    head = training.start()
    before = state()
    second = training.run()
    assert second.returncode == 1 and "Directory cannot be locked" in second.stderr
    assert f"(process {head.pid}), which goes on; wait for it" in second.stderr
    assert head.poll() is None and state() == before  # it has harmed nothing

    os.killpg(head.pid, signal.SIGKILL)
    head.communicate()
    refused = training.run()
    assert refused.returncode == 1 and "Directory cannot be locked" in refused.stderr
    assert f"(process {head.pid}), which is gone: `snakemake --unlock`" in refused.stderr
    assert training.run("--unlock").returncode == 0
    training.goes_on_to(whole)


@pytest.fixture
def small_disk(training):
    """The results on a disk of 4 MB; skipped where none can be mounted."""
    networks = training.folder / "networks"
    networks.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", networks]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this user may not mount a small disk")
    yield networks
    training.kill()
    subprocess.run(["umount", networks], check=True)


def test_a_disk_that_fills_up_is_named_and_the_same_command_goes_on(small_disk, training, whole):
    head = training.start()
    filler = small_disk / "filler"
    with open(filler, "wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(4096))
    release(training.checkout)
    said = head.communicate()[1]
    assert head.returncode == 1
    assert re.search(r"checkpoint.*cannot be written \(No space left on device\)", said)
    assert training.checkpoints()

    filler.unlink()
    training.goes_on_to(whole)
