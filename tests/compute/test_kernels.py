"""The compiled passes against the same composed of torch functions, and how they are compiled."""

import ctypes
import hashlib
import logging
import multiprocessing
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from nofreelunch.compute import kernels
from nofreelunch.task import place_cells, targets
from nofreelunch.training import optimizers
from target_examples import DOG, DOS, GAUSSIAN, GENERAL, PLACE_CELLS, SEVERAL, SOD, uniform
from target_examples import make as make_target
from training_examples import (
    ROUNDING,
    SMOOTH,
    farthest,
    make,
    mixed,
    passes,
    stacked,
    train,
    walks,
    weights,
)

EXTREME = {
    "one field": [{"width": 0.12, "cells": 40}],
    "padded cells": [{"width": 0.2, "cells": cells} for cells in (3, 37, 16, 40)],
    "several fields": [
        {"width": uniform(0.06, 0.5), "ratio": uniform(1.25, 4.5), "fields_per_cell": many}
        | {"cells": cells}
        for cells, many in ((24, SEVERAL), (40, {"poisson": 6}), (8, 1))
    ],
    "hair": [{"width": 1e-3, "ratio": 1.5, "cells": 33}],
    "carpet": [{"width": 2.1, "ratio": 6.0, "cells": 33}],
    "shallow surround": [{"width": 0.2, "ratio": 1.01, "cells": 33}],
    "amplitudes": [
        {"width": 0.2, "cells": cells, "amplitude_ratio": alpha}
        for cells, alpha in ((20, "equal_area"), (33, 1.5), (9, 30.0))
    ],
    "periodic arena": [{"width": 0.3, "cells": cells} for cells in (40, 12)],
}


def stack_of(name, case):
    specs = [make_target(name, **keys) for keys in EXTREME[case]]
    if case == "periodic arena":
        specs = [spec | {"periodic": True} for spec in specs]
    return targets.build_targets(specs, list(range(len(specs))))


def only_kernels(monkeypatch):
    """Let no place-cell target take the other way unseen."""

    def refuse(*arguments):
        raise AssertionError("composed of torch functions")

    monkeypatch.setattr(place_cells.PlaceCells, "_distances", refuse)


@pytest.mark.parametrize("kind", ["kernels", "torch"])
@pytest.mark.parametrize("case", EXTREME)
@pytest.mark.parametrize("name", PLACE_CELLS)
def test_encoding(name, case, kind, monkeypatch):
    """In float32, by both ways, against torch in float64."""
    stack = stack_of(name, case)
    reach = 4.0 if stack.periodic else 1.15
    position = np.random.default_rng(0).uniform(-reach, reach, (stack.networks, 50, 2))
    position = torch.from_numpy(position).float()
    exact = stack.encode(position.double()).numpy()
    with passes(kind):
        if kind == "kernels":
            only_kernels(monkeypatch)
        found = stack.to("cpu", torch.float32).encode(position).numpy()
    assert found.dtype == np.float32 and np.isfinite(found).all() and (found >= 0).all()
    for k, cells in enumerate(stack.cells_of):
        assert (found[k, :, cells:] == 0).all()
        if name in (DOS, DOG, GENERAL):  # the shift makes the least active cell silent, exactly
            assert (found[k, :, :cells].min(-1) == 0).all()
    # A few last digits; two more are lost where two terms almost cancel, because the surround is
    # hardly wider than the field, or because all of very few cells are far.
    almost_equal = case in ("shallow surround", "padded cells") and name not in (GAUSSIAN, SOD)
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-4 if almost_equal else 3e-6)


@pytest.mark.parametrize("count", [1, 3])
def test_training_encodes_by_kernels(count, monkeypatch):
    """However the positions of several networks lie in memory."""
    stack = stacked([make(seed=k) for k in range(count)], walks())
    with passes("kernels"):
        only_kernels(monkeypatch)
        stack.advance(0)


@pytest.mark.parametrize("sizes", [(16, 16), (5, 37, 3)])
def test_cross_entropy_and_its_gradient(sizes):
    """With rows that have no weight, and what is not a number in them."""
    specs = [make_target(DOS, 0.3, cells=cells) for cells in sizes]
    stack = targets.build_targets(specs, list(range(len(sizes))))
    random = np.random.default_rng(0)
    code = stack.encode(torch.from_numpy(random.uniform(-1, 1, (len(sizes), 4, 6, 2))))
    logits = torch.from_numpy(20 * random.normal(size=code.shape)).float()
    shares = torch.from_numpy(random.uniform(0.1, 1, code.shape[:3])).float()
    shares[:, 2:, 3:] = 0
    logits[:, 2:, 3:4], logits[:, 2:, 4:5], logits[:, 2:, 5:] = torch.inf, -torch.inf, torch.nan
    logits.requires_grad_()
    scale = torch.arange(1.0, len(sizes) + 1)
    with passes("kernels"):
        loss = stack.loss(logits, code.float(), shares)
        (gradient,) = torch.autograd.grad((loss * scale).sum(), logits)
    for k, cells in enumerate(sizes):
        kept = shares[k] > 0
        own = logits[k, ..., :cells][kept].detach().double().requires_grad_()
        rows = torch.nn.functional.cross_entropy(own, code[k, ..., :cells][kept], reduction="none")
        expected = (rows * shares[k][kept]).sum()
        assert loss[k].item() == pytest.approx(expected.item(), rel=1e-6)
        expected.backward()
        np.testing.assert_allclose(
            gradient[k, ..., :cells][kept] / scale[k], own.grad, rtol=1e-5, atol=1e-6
        )
        assert (gradient[k, ..., cells:] == 0).all() and (gradient[k][~kept] == 0).all()


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("kind", ["kernels", "torch"])
def test_a_loss_of_what_is_not_a_number_is_none(bad, kind):
    """So that a network that diverges is noticed."""
    stack = targets.build_targets([make_target(DOS, cells=16)] * 2, [0, 1])
    with passes(kind):
        code = stack.encode(torch.zeros(2, 3, 2))
        logits = torch.zeros(2, 3, 16)
        logits[0, 1, 5] = bad
        loss = stack.loss(logits, code)
    assert loss.isfinite().tolist() == [False, True]


@pytest.mark.parametrize("kind", optimizers.OPTIMIZERS)
def test_update(kind):
    """The same as torch functions to the last digits, step after step."""
    specs = [make(optimizer=kind, seed=k, learning_rate=0.01) for k in range(3)]
    random = np.random.default_rng(0)
    start = torch.from_numpy(random.normal(size=(3, 7, 5))).float()
    slopes = torch.from_numpy(random.normal(size=(40, 3, 7, 5))).float()
    alive = torch.tensor([True, True, False])[:, None, None]
    results = {}
    for means in ("kernels", "torch"):
        with passes(means):
            weight = {"recurrent": start.clone()}
            optimizer = optimizers.Optimizer(specs, weight)
            for step, slope in enumerate(slopes):
                now = torch.ones_like(alive) if step < 20 else alive
                optimizer.update(weight, [slope], optimizer.rates(step), now)
            results[means] = weight["recurrent"].numpy()
    np.testing.assert_allclose(results["kernels"], results["torch"], rtol=2e-6, atol=1e-6)
    assert abs(results["kernels"] - start.numpy()).max(axis=(1, 2)).min() > 0.01


@pytest.mark.parametrize("keys", [{}, {"cell": "lstm"}, {"target": "gaussian"}])
def test_training_without_kernels_is_the_same(keys):
    spec, pool = make(**SMOOTH, **keys), walks()
    with passes("kernels"):
        compiled = train([spec], pool)
    with passes("torch"):
        composed = train([spec], pool)
    assert farthest(weights(compiled, 0), weights(composed, 0)) < ROUNDING
    np.testing.assert_allclose(compiled["loss"], composed["loss"], rtol=1e-4)


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """No kernels loaded, and none in the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    kernels.library.cache_clear()
    yield tmp_path / "cache"
    kernels.library.cache_clear()


@pytest.mark.parametrize("compiler", ["/nonexistent", "false", 'gcc "'])
def test_no_compiler_costs_speed_alone(compiler, fresh, monkeypatch, caplog):
    monkeypatch.setenv("CC", compiler)
    with caplog.at_level(logging.INFO, "nofreelunch"):
        trained = train(mixed(steps=20), walks())
    assert caplog.text.count("training without compiled kernels") == 1
    assert np.isfinite(trained["loss"][:, 0]).all()
    assert not list(fresh.glob("**/*.so"))


def test_a_cache_that_cannot_be_written_costs_a_compilation(fresh, monkeypatch, tmp_path):
    if not compiles():
        pytest.skip("no C compiler here")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    library = kernels.library()
    assert library is not None and usable_kernels()


def test_a_folder_for_temporary_files_that_forbids_programs_costs_nothing(fresh, monkeypatch):
    """The library is then loaded from the cache, where it was put."""
    if not compiles():
        pytest.skip("no C compiler here")
    for kept in fresh.glob("nofreelunch/*"):
        kept.unlink()
    load = ctypes.CDLL

    def loaded(name, *arguments, **options):
        if name and not str(name).startswith(str(fresh)) and str(name).endswith(".so"):
            raise OSError("failed to map segment from shared object")
        return load(name, *arguments, **options)

    monkeypatch.setattr(kernels.ctypes, "CDLL", loaded)
    assert kernels.library() is not None


def test_a_cached_library_is_used_again(fresh, monkeypatch):
    with passes("kernels"):
        (made,) = fresh.glob("nofreelunch/*")
    monkeypatch.setattr(kernels, "_compile", lambda *arguments: pytest.fail("compiled anew"))
    with passes("kernels"):
        assert [path.name for path in fresh.glob("nofreelunch/*")] == [made.name]


@pytest.mark.parametrize("damage", ["empty", "half", "zeros", "end lost"])
def test_a_damaged_library_in_the_cache_is_made_anew(damage, fresh):
    """The loader would end the process with a signal, or the cache stay bad for good."""
    with passes("kernels"):
        (made,) = fresh.glob("nofreelunch/*")
    whole = made.read_bytes()
    kinds = {
        "empty": b"",
        "half": whole[: len(whole) // 2],
        "zeros": bytes(len(whole)),
        "end lost": whole[:-100],
    }
    made.unlink()  # not overwritten: this process has it loaded
    made.write_bytes(kinds[damage])
    job = multiprocessing.get_context("fork").Process(target=load_kernels, args=(str(fresh),))
    job.start()
    job.join(60)
    assert job.exitcode == 0
    assert made.read_bytes()[-32:] == hashlib.sha256(made.read_bytes()[:-32]).digest()


def test_a_library_of_another_system_is_made_anew(fresh):
    """It is whole, and cannot be loaded here: homes are shared by unlike machines."""
    with passes("kernels"):
        (made,) = fresh.glob("nofreelunch/*")
    foreign = b"\x7fELF of another system"
    made.unlink()
    made.write_bytes(foreign + hashlib.sha256(foreign).digest())
    with passes("kernels"):
        assert usable_kernels()


def compiles():
    """Whether there is a C compiler, by the library's own account."""
    kernels.library.cache_clear()
    there = kernels.library() is not None
    kernels.library.cache_clear()
    return there


def usable_kernels():
    """Whether the loaded kernels encode as torch does."""
    stack, position = stack_of(DOS, "one field"), torch.zeros(1, 4, 2)
    code = stack.to("cpu", torch.float32).encode(position)
    return bool((code - stack.encode(position.double())).abs().max() < 1e-5)


def load_kernels(cache):
    """In a process of its own: compile, load, use."""
    os.environ["XDG_CACHE_HOME"] = cache
    kernels.library.cache_clear()
    raise SystemExit(0 if kernels.library() is not None and usable_kernels() else 1)


def test_processes_that_compile_at_once_do_not_meet(fresh):
    if not compiles():
        pytest.skip("no C compiler here")
    for path in fresh.glob("nofreelunch/*"):
        path.unlink()
    context = multiprocessing.get_context("fork")
    jobs = [context.Process(target=load_kernels, args=(str(fresh),)) for _ in range(3)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(60)
    assert [job.exitcode for job in jobs] == [0, 0, 0]
    assert [path.suffix for path in fresh.glob("nofreelunch/*")] == [".so"]


def test_the_source_compiles_without_warnings(tmp_path):
    if not compiles():
        pytest.skip("no C compiler here")
    command = [os.environ.get("CC", "cc"), *kernels.FLAGS, "-Wall", "-Wextra", "-Werror"]
    command += [str(kernels.SOURCE), "-o", str(tmp_path / "kernels.so"), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_kernels_are_for_float32_in_order_on_the_cpu():
    x = torch.zeros(4, 6)
    with passes("kernels"):
        assert kernels.usable(x, x)
        assert not kernels.usable(x, x.double()) and not kernels.usable(x.T)
    with passes("torch"):
        assert not kernels.usable(x)
    assert Path(kernels.SOURCE).name == "kernels.c"
