"""Devices and precisions that are there, and one line on those that are not."""

from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from meta_device import META, OneDevice
from nofreelunch.compute import devices
from nofreelunch.networks.network_stack import ACTIVATIONS
from nofreelunch.networks.shapes import cells
from nofreelunch.task import targets
from nofreelunch.training import loop
from nofreelunch.training.minibatches import Pool
from target_examples import COORDINATES, PLACE_CELLS, SEVERAL
from training_examples import CPU, cohort, make, mixed, train, walks


@pytest.fixture
def cuda(monkeypatch):
    """Pretend that torch sees a CUDA device, or not."""

    def pretend(there, old=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
        properties = SimpleNamespace(major=7 if old else 8)
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device=None: properties)

    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")  # so that what a job sets is put back
    before = torch.backends.cuda.matmul.allow_tf32
    yield pretend
    torch.backends.cuda.matmul.allow_tf32 = before


def refused(device, precision, expected):
    with pytest.raises(ValueError, match=expected) as error:
        devices.choose(device, precision)
    assert "\n" not in str(error.value)


def test_without_cuda(cuda):
    cuda(False)
    assert devices.choose("auto") == devices.choose("cpu") == CPU
    assert devices.choose("auto", "bfloat16") == CPU
    expected = r"compute\.device: found 'cuda', but torch sees no CUDA device; allowed: auto"
    refused("cuda", "float32", expected)
    with pytest.raises(ValueError, match=expected):
        loop.train(cohort([make()]), walks(), "cuda")


def test_with_cuda(cuda):
    cuda(True)
    assert devices.choose("auto") == devices.choose("cuda") == torch.device("cuda")
    assert not torch.backends.cuda.matmul.allow_tf32
    assert devices.choose("cuda", "tf32") == torch.device("cuda")
    assert torch.backends.cuda.matmul.allow_tf32
    devices.choose("cuda", "float32")  # what one job sets the next one does not inherit
    assert not torch.backends.cuda.matmul.allow_tf32
    assert devices.choose("cpu") == CPU


def test_what_is_not_there_is_refused_in_one_line(cuda):
    cuda(False)
    refused("gpu", "float32", r"compute\.device: found 'gpu'; allowed: auto, cpu, cuda")
    refused("cpu", "half", "compute.precision: found 'half'; allowed: float32, tf32, bfloat16")
    lacks = "compute.precision: found 'tf32', which cpu does not have here; "
    refused("cpu", "tf32", lacks + "allowed: float32, bfloat16")
    cuda(True, old=True)
    for precision in ("tf32", "bfloat16"):
        lacks = f"compute.precision: found '{precision}', which cuda does not have here; "
        refused("cuda", precision, lacks + "allowed: float32$")
    refused("cpu", "tf32", "which cpu does not have here")


def test_free_memory_is_known():
    assert 1e6 < devices.free_memory(CPU) < 1e14


GROUPS = {
    "v2": ("0::/slurm/job_7/step_0", "", ("memory.max", "memory.current"), "inactive_file"),
    "v1": (
        "9:name=systemd:/\n4:memory:/slurm/job_7/step_0\n0::/",
        "memory",
        ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        "total_inactive_file",
    ),
}


@pytest.mark.parametrize("version", GROUPS)
def test_the_memory_of_a_job_is_that_of_its_control_groups(version, tmp_path):
    """The job's limit is the least, though its step has none; files in memory count as free."""
    lines, top, names, files = GROUPS[version]
    own = tmp_path / "cgroup"
    own.write_text(lines + "\n")
    limits = {"": (9000, 8000), "slurm": (5000, 900), "slurm/job_7": (4000, 900)}
    for group, sizes in (limits | {"slurm/job_7/step_0": ("max", 900)}).items():
        folder = tmp_path / "groups" / top / group
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "memory.stat").write_text(f"anon 100\n{files} {800 if group else 7800}\n")
        for name, size in zip(names, sizes, strict=True):
            (folder / name).write_text(f"{size}\n")
    assert devices._granted(tmp_path / "groups", own) == 4000 - 900 + 800
    assert devices._granted(tmp_path / "elsewhere", own) == np.inf
    assert devices._granted(tmp_path / "groups", tmp_path / "none") == np.inf


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("CUDA error: out of memory", True),
        ("CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", True),
        ("DefaultCPUAllocator: can't allocate memory: you tried", True),
        ("CUDA error: operation not permitted when stream is capturing", False),
    ],
)
def test_out_of_memory_in_other_words(words, expected):
    try:
        try:
            raise RuntimeError(words)
        except RuntimeError:
            raise RuntimeError("the capture was invalid")  # noqa: B904 (as torch ends a capture)
    except RuntimeError as error:
        assert devices.out_of_memory(error) is expected


def test_codes_have_full_precision_where_products_are_tf32(cuda, monkeypatch):
    cuda(True)
    devices.choose("cuda", "tf32")
    target, allowed = targets.build_target("high_dim_cartesian", 0), []

    def product(parameters, x):
        allowed.append(torch.backends.cuda.matmul.allow_tf32)
        return x @ parameters["projection"]

    monkeypatch.setattr(target, "_encode", product)
    target.encode(np.zeros((3, 2)))
    assert allowed == [False]
    assert torch.backends.cuda.matmul.allow_tf32


class Graphs:
    """CUDA graphs on a CPU, of which a capture fails in these words at its end."""

    def __init__(self, monkeypatch, words):
        self.stream = main = SimpleNamespace(wait_stream=lambda other: None)
        side = SimpleNamespace(wait_stream=lambda other: None)

        @contextmanager
        def on(stream):
            self.stream = stream
            yield
            self.stream = main

        @contextmanager
        def graph(made, stream):
            self.stream = stream
            yield
            if words:
                raise RuntimeError(words)
            self.stream = main

        fakes = {"Stream": lambda: side, "current_stream": lambda: main, "stream": on}
        fakes |= {"graph": graph, "set_stream": lambda stream: setattr(self, "stream", stream)}
        fakes["CUDAGraph"] = lambda: SimpleNamespace(replay="replay")
        for name, fake in fakes.items():
            monkeypatch.setattr(torch.cuda, name, fake)
        devices._side_stream.cache_clear()
        self.main = main


@pytest.mark.parametrize("words", ["", "capture failed", "CUDA error: out of memory"])
def test_a_capture_keeps_state_and_stream_whatever_comes_of_it(words, monkeypatch, caplog):
    graphs, state = Graphs(monkeypatch, words), torch.zeros(2)
    step = partial(state.add_, 1)
    if "memory" in words:
        with pytest.raises(RuntimeError, match=words):
            devices.captured(step, [state])
    else:
        replay = devices.captured(step, [state])
        assert replay == (step if words else "replay")
        assert (state == 0).all()
        assert ("no CUDA graph, which is slower: capture failed" in caplog.text) == bool(words)
    assert graphs.stream is graphs.main
    devices._side_stream.cache_clear()


NO_CODE = {"place_cells": None, "encoder_scale": 1.0}
STACKS = {
    **{cell: {"cell": cell} for cell in cells()},
    **{activation: {"activation": activation} for activation in ACTIVATIONS},
    **{name: {"target": name} for name in PLACE_CELLS},
    **{name: {"target": name} | (NO_CODE if "high" not in name else {}) for name in COORDINATES},
    "several fields": {"fields_per_cell": SEVERAL},
}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("stack", STACKS)
def test_a_step_stays_on_its_device_and_looks_at_no_values(stack, precision, monkeypatch):
    """As a CUDA graph asks."""
    specs, cpu = mixed(**STACKS[stack]), torch.Tensor.cpu
    with monkeypatch.context() as patch:  # targets look at how many fields their cells have
        patch.setattr(
            torch.Tensor, "cpu", lambda x: torch.full(x.shape, 5) if x.is_meta else cpu(x)
        )
        made = loop.TrainingStack(range(len(specs)), specs, Pool(walks(), specs, META), precision)
    with OneDevice():
        made.position, made.times = made.minibatches.draw(0)
        made._compute()
        found = [made.position, *made._state(), made.loss, made.output, made.position_error()]
    assert {tensor.device for tensor in found} == {META}
    assert made.output.shape == (*made.position[:, 1:, :, 0].shape, made.target.cells)


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_bfloat16_is_near_float32(cell):
    """Seven bits of a number, so curves agree to a few per cent; weights stay float32."""
    specs = [make(cell, seed=k, learning_rate=1e-2, steps=100) for k in range(2)]
    pool = walks()
    exact, rounded = (train(specs, pool, precision=p) for p in ("float32", "bfloat16"))
    assert rounded.attrs["precision"] == "bfloat16"
    assert rounded["weight_recurrent"].dtype == np.float32
    assert not rounded["diverged"].any()
    assert abs(rounded["weight_recurrent"] - exact["weight_recurrent"]).max() > 1e-5
    learnt = exact["loss"][:, 0] - exact["loss"][:, -20:].mean("checkpoint")
    assert (learnt > 0.02).all()
    apart = abs(rounded["loss"] - exact["loss"])[:, -20:].mean("checkpoint")
    assert (apart < 0.1 * learnt).all()
