"""Logs of jobs: one line for what a user can mend, a traceback in the log file for everything."""

import logging

import numpy as np
import pytest
import xarray as xr
from nofreelunch import datasets, logs


@pytest.fixture(autouse=True)
def root_logger():
    """Puts back what a job changes for its process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers, root.level = handlers, level
    logging.captureWarnings(False)


def run(path, error, inputs=()):
    with logs.job(path, inputs):
        logging.getLogger("nofreelunch").info("begun")
        raise error


def test_messages_go_to_file_and_terminal(tmp_path, capsys):
    path = tmp_path / "logs" / "job.log"
    with logs.job(path):
        logging.getLogger("nofreelunch.training").info("half way")
    assert "INFO half way" in path.read_text()
    assert "INFO half way" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [
        ValueError("steps: found 0,\n  allowed: 1 or more"),
        datasets.DatasetError("a.nc: gone"),
        OSError(28, "No space left on device"),
    ],
)
def test_what_a_user_can_mend_is_one_line(error, tmp_path, capsys):
    path = tmp_path / "job.log"
    with pytest.raises(SystemExit) as ended:
        run(path, error)
    assert ended.value.code == 1
    shown = capsys.readouterr().err.splitlines()
    assert len(shown) == 2 and " ".join(str(error).split()) in shown[1]
    assert "Traceback" in path.read_text()


@pytest.mark.parametrize("error", [KeyError("units"), RuntimeError("out of memory")])
def test_faults_of_the_program_are_raised_and_logged(error, tmp_path):
    path = tmp_path / "job.log"
    with pytest.raises(type(error)):
        run(path, error)
    text = path.read_text()
    assert "Traceback" in text and type(error).__name__ in text


def test_a_damaged_input_is_named(tmp_path, capsys):
    whole, broken = tmp_path / "whole.nc", tmp_path / "broken.nc"
    noise = np.random.default_rng(0).random((200, 200))
    for path in (whole, broken):
        datasets.save(xr.Dataset({"noise": (("y", "x"), noise)}), path, "rate_maps", "code")
    content = bytearray(broken.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 50] = bytes(50)
    broken.write_bytes(content)
    with pytest.raises(SystemExit), logs.job(tmp_path / "job.log", [whole, broken]):
        for path in (whole, broken):
            datasets.load(path, "rate_maps").load()
    shown = capsys.readouterr().err.splitlines()
    assert len(shown) == 1 and f"ERROR {broken}: not a readable netCDF file" in shown[0]
