"""Cohorts on devices that are too small for them: halves, and what is saved of them."""

import re
import signal

import numpy as np
import pytest
import torch
from nofreelunch.compute import devices
from nofreelunch.study import costs
from nofreelunch.training import loop
from nofreelunch.training.checkpoints import Checkpoints
from training_examples import ROUNDING, SMOOTH, farthest, make, mixed, train, walks, weights


@pytest.fixture(scope="module")
def pool():
    return walks()


class Memory:
    """A device on which so many networks fit, and the stacks that were tried on it."""

    def __init__(self, monkeypatch, fitting):
        self.tried, advance = [], loop.TrainingStack.advance

        def limited(stack, step):
            if step == 0:
                self.tried.append(len(stack.members))
            if len(stack.members) > fitting:
                raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate")
            advance(stack, step)

        monkeypatch.setattr(loop.TrainingStack, "advance", limited)


def close(one, other):
    for k in range(one.sizes["network"]):
        assert farthest(weights(one, k), weights(other, k)) < ROUNDING
    np.testing.assert_array_equal(one["step"], other["step"])
    np.testing.assert_allclose(one["loss"], other["loss"], rtol=1e-4)


def test_a_cohort_that_runs_out_of_memory_is_trained_in_halves(pool, monkeypatch, caplog):
    specs = [*mixed(steps=40), make(seed=1, steps=40, **SMOOTH)]
    whole = train(specs, pool)
    memory = Memory(monkeypatch, fitting=2)
    close(train(specs, pool), whole)
    assert memory.tried == [5, 2, 3, 1, 2]
    assert caplog.text.count("too large for cpu; training it in halves") == 2


def test_a_cohort_larger_than_the_memory_is_halved_at_once(pool, monkeypatch):
    specs = [make(seed=k, steps=20, **SMOOTH) for k in range(4)]
    whole, memory = train(specs, pool), Memory(monkeypatch, fitting=4)
    monkeypatch.setattr(
        devices, "free_memory", lambda device: 1.5 * costs.training_memory(specs[:1])
    )
    close(train(specs, pool, expected_bytes=costs.training_memory(specs)), whole)
    assert memory.tried == [1, 1, 1, 1]


def test_a_network_larger_than_the_device_is_refused(pool, monkeypatch):
    Memory(monkeypatch, fitting=0)
    expected = "cohort: one network of 12 units and batch 10 does not fit cpu"
    with pytest.raises(ValueError, match=expected) as error:
        train([make(), make(seed=1)], pool)
    assert "\n" not in str(error.value)


def test_halves_have_checkpoints_of_their_own(pool, monkeypatch, tmp_path, caplog):
    specs = [make(seed=k, steps=20) for k in range(2)]
    memory = Memory(monkeypatch, fitting=1)
    whole, saving = train(specs, pool), Checkpoints(tmp_path / "cohort.nc", 0, "code")
    advance = loop.TrainingStack.advance

    def stop_in_the_second_half(stack, step):
        if step == 7 and len(memory.tried) == 6:
            saving.stop = signal.SIGTERM
        advance(stack, step)

    with monkeypatch.context() as patch:
        patch.setattr(loop.TrainingStack, "advance", stop_in_the_second_half)
        with pytest.raises(SystemExit):
            train(specs, pool, checkpoints=saving)
    with caplog.at_level("INFO"):
        again = train(specs, pool, checkpoints=Checkpoints(tmp_path / "cohort.nc", 0, "code"))
    assert re.findall(r"going on from step (\d+)", caplog.text) == ["20", "8"]
    np.testing.assert_equal(again.to_dict(), whole.to_dict())


def test_a_part_that_is_finished_is_not_trained_again(pool, monkeypatch, tmp_path, caplog):
    """Though no checkpoint was due yet when the job was killed, in its second part."""
    specs, output = [make(seed=k, steps=20) for k in range(2)], tmp_path / "cohort.nc"
    whole, memory = train(specs, pool), Memory(monkeypatch, fitting=1)
    advance = loop.TrainingStack.advance

    def killed_in_the_second_part(stack, step):
        if step == 7 and len(memory.tried) == 3:
            raise KeyboardInterrupt
        advance(stack, step)

    with monkeypatch.context() as patch:
        patch.setattr(loop.TrainingStack, "advance", killed_in_the_second_part)
        with pytest.raises(KeyboardInterrupt):
            train(specs, pool, checkpoints=Checkpoints(output, 1e9, "code"))
    with caplog.at_level("INFO"):
        again = train(specs, pool, checkpoints=Checkpoints(output, 1e9, "code"))
    assert re.findall(r"going on from step (\d+)", caplog.text) == ["20"]
    np.testing.assert_equal(again.to_dict(), whole.to_dict())


def test_a_cohort_goes_on_whole_where_less_memory_is_free(pool, monkeypatch, tmp_path, caplog):
    specs = [make(seed=k, steps=20) for k in range(2)]
    whole, saving = train(specs, pool), Checkpoints(tmp_path / "cohort.nc", 0, "code")
    saving.stop = signal.SIGTERM
    with pytest.raises(SystemExit):
        train(specs, pool, checkpoints=saving)
    monkeypatch.setattr(
        devices, "free_memory", lambda device: 1.5 * costs.training_memory(specs[:1])
    )
    with caplog.at_level("INFO"):
        again = train(specs, pool, checkpoints=Checkpoints(tmp_path / "cohort.nc", 0, "code"))
    assert re.findall(r"going on from step (\d+)", caplog.text) == ["1"]
    np.testing.assert_equal(again.to_dict(), whole.to_dict())
