"""Logs of jobs: one line for what a user can mend, a traceback in the log file for everything."""

import logging

import numpy as np
import pytest
import xarray as xr
from nofreelunch.evaluation import rate_maps
from nofreelunch.files import datasets
from nofreelunch.files.contract import Stage
from nofreelunch.running import logs


def test_messages_go_to_file_and_terminal(tmp_path, capsys):
    path = tmp_path / "logs" / "job.log"
    with logs.job(path):
        logging.getLogger("nofreelunch.training").info("half way")
    assert "INFO half way" in path.read_text()
    assert "INFO half way" in capsys.readouterr().err


def refused():
    rate_maps.bin_count(2.2, 0.3)


def missing():
    datasets.load("absent.nc", "scores")


def full():
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("fails", [refused, missing, full])
def test_what_a_user_can_mend_is_one_line(fails, tmp_path, capsys):
    with pytest.raises(Exception, match=r".") as known:
        fails()
    path = tmp_path / "job.log"
    with pytest.raises(SystemExit) as ended, logs.job(path):
        fails()
    assert ended.value.code == 1
    for text in (capsys.readouterr().err, path.read_text()):
        assert len(text.splitlines()) == 1
        assert text.endswith(f"ERROR {known.value}\n")


def mistaken_key():
    return {}["units"]


def mistaken_shapes():
    return np.zeros(3) + np.zeros(4)


def out_of_memory():
    raise RuntimeError("out of memory")


@pytest.mark.parametrize("fails", [mistaken_key, mistaken_shapes, out_of_memory])
def test_faults_of_the_program_are_raised_and_logged(fails, tmp_path):
    path = tmp_path / "job.log"
    with pytest.raises(Exception, match=r".") as known, logs.job(path):
        fails()
    text = path.read_text()
    assert "Traceback" in text and known.typename in text and fails.__name__ in text


def test_a_damaged_input_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(datasets, "STAGES", {"rate_maps": Stage("", ("noise",))})
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
