"""Stopping and going on: nothing finished is made again, and nothing half-made is used."""

import os
import re
import shutil
import signal
import subprocess
import time

import pytest
import xarray as xr
from conftest import ROOT, copy_checkout
from slurm_cluster import wait

pytestmark = pytest.mark.workflow

STUDY = "interrupted.yaml"


class Training:
    """One training job of some seconds, in a checkout of its own."""

    def __init__(self, checkout):
        self.checkout, self.folder = checkout, checkout.path("results/interrupted")
        self.started = []

    def start(self):
        """Snakemake and its job, in a process group of their own, as in a terminal."""
        process = self.checkout.start(
            "--cores", "1", "--until", "training", study=STUDY, group=True
        )
        self.started.append(process)
        return process

    def run(self, *arguments):
        return self.checkout.snakemake(
            "--cores", "1", "--until", "training", *arguments, study=STUDY
        )

    def checkpoints(self):
        return list(self.folder.glob("networks/*.npz"))

    def log(self):
        logs = self.folder.glob("logs/training/*.log")
        return "".join(path.read_text() for path in logs)

    def kill(self):
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def result(self):
        """The networks, from a folder in which nothing else is left."""
        (path,) = self.folder.glob("networks/*")
        return xr.load_dataset(path)


def checkout_to_interrupt(folder):
    """A checkout in which training saves a checkpoint after every step."""
    made = copy_checkout(folder)
    shutil.copy2(ROOT / "tests" / "studies" / STUDY, made.folder)
    config = made.path("config.yaml")
    config.write_text(config.read_text().replace("checkpoint_minutes: 10", "checkpoint_minutes: 0"))
    return made


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return checkout_to_interrupt(tmp_path_factory.mktemp("stop") / "checkout")


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
    wait(training.checkpoints, 60, "a checkpoint")
    os.killpg(head.pid, signal.SIGINT)
    said = head.communicate()[1]
    assert head.returncode != 0 and "Traceback" not in said
    (step,) = re.findall(r"stopped after step (\d+); the same command goes on", training.log())
    assert training.checkpoints() and not list(training.folder.glob("networks/*.nc"))

    there = Training(checkout_to_interrupt(tmp_path / "checkout"))
    shutil.copytree(training.folder, there.folder)
    done = there.run()
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"going on from step {step}" in there.log()
    xr.testing.assert_identical(there.result(), whole)


def test_a_second_run_is_told_whose_the_first_is_and_harms_nothing(training, whole):
    head = training.start()
    wait(training.checkpoints, 60, "a checkpoint")
    second = training.run()
    assert second.returncode == 1 and "Directory cannot be locked" in second.stderr
    assert f"(process {head.pid}), which goes on; wait for it" in second.stderr
    head.communicate()
    assert head.returncode == 0
    xr.testing.assert_identical(training.result(), whole)


def test_a_killed_run_leaves_a_lock_that_says_so(training, whole):
    head = training.start()
    wait(training.checkpoints, 60, "a checkpoint")
    os.killpg(head.pid, signal.SIGKILL)
    head.communicate()
    refused = training.run()
    assert refused.returncode == 1 and "Directory cannot be locked" in refused.stderr
    assert f"(process {head.pid}), which is gone: `snakemake --unlock`" in refused.stderr
    assert training.run("--unlock").returncode == 0
    done = training.run()
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(re.search(r"going on from step (\d+)", training.log())[1]) > 0
    xr.testing.assert_identical(training.result(), whole)


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
    wait(training.checkpoints, 60, "a checkpoint")
    filler = small_disk / "filler"
    with open(filler, "wb", buffering=0) as file:
        while head.poll() is None:  # a checkpoint that is replaced makes room for one
            try:
                file.write(bytes(4096))
            except OSError:
                time.sleep(0.01)
    said = head.communicate()[1]
    assert head.returncode == 1
    assert re.search(r"checkpoint.*could not be written .*; is the disk full\?", said)
    assert training.checkpoints()

    filler.unlink()
    done = training.run()
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(re.search(r"going on from step (\d+)", training.log())[1]) > 0
    xr.testing.assert_identical(training.result(), whole)
