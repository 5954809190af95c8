"""The benchmarks compare like with like, and their tables render."""

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from nofreelunch import errors
from nofreelunch.compute import kernels
from nofreelunch.files import contract, datasets

FOLDER = Path(__file__).parents[1] / "benchmarks"
UNITS, CELLS, STEPS = 12, 16, 20


@pytest.fixture(scope="module", autouse=True)
def scripts():
    """Its modules import each other by name, as scripts do."""
    sys.path.insert(0, str(FOLDER))
    yield
    sys.path.remove(str(FOLDER))


def load(name):
    return importlib.import_module(name)


def test_the_baseline_learns_what_the_engine_learns():
    baseline, engine = load("baseline"), load("engine")
    torch.set_num_threads(1)
    networks = engine.stack(engine.walks(), [engine.spec(UNITS, CELLS)], "cpu")
    plain = baseline.Baseline(networks.pool.position, UNITS, CELLS)
    plain.centres = networks.target._parameters["centre"][0, :, 0]
    layout = {
        "encoder": plain.encoder.weight,
        "input": plain.rnn.weight_ih_l0,
        "recurrent": plain.rnn.weight_hh_l0,
        "decoder": plain.decoder.weight,
    }
    begun = {name: networks.networks.weights[name][0].T.clone() for name in layout}
    with torch.no_grad():
        for name, weight in layout.items():
            weight.copy_(networks.networks.weights[name][0].T)
    for step in range(STEPS):
        # Torch adds epsilon after its correction of the moments' bias, Keras and the engine before.
        plain.optimizer.param_groups[0]["eps"] = 1e-7 / np.sqrt(1 - 0.999 ** (step + 1))
        loss = plain.learn(networks.minibatches.draw(step)[0][0])
        networks.advance(step)
        # Rounding alone: 2e-7 of the loss, and less than 1e-5 of how far the weights have moved.
        assert loss == pytest.approx(float(networks.loss), rel=1e-5)
    for name, weight in layout.items():
        ours = networks.networks.weights[name][0].T
        moved = torch.linalg.vector_norm(ours - begun[name])
        assert torch.linalg.vector_norm(weight - ours) < 1e-3 * moved, name


@pytest.mark.parametrize("way", ["plain", "vmap", "in_turn"])
def test_jax_learns_what_the_engine_learns(way):
    jax = pytest.importorskip("jax", reason="the extra `benchmark` is not installed")
    optax = pytest.importorskip("optax", reason="the extra `benchmark` is not installed")
    ensemble, baseline, engine = load("jax_ensemble"), load("baseline"), load("engine")
    specs = [engine.spec(UNITS, CELLS, seed) for seed in range(2)]
    networks = engine.stack(engine.walks(), specs, "cpu")
    # Optax adds epsilon after its correction of the moments' bias, as torch does.
    adam = optax.inject_hyperparams(optax.adam)(
        baseline.LEARNING_RATE, eps=lambda step: 1e-7 / jax.numpy.sqrt(1 - 0.999 ** (step + 1))
    )
    walks = networks.pool.position.numpy()
    theirs = ensemble.Ensemble(walks, 2, UNITS, CELLS, way=way, optimizer=adam)
    begun = {k: w.detach().numpy().copy() for k, w in networks.networks.weights.items()}
    theirs.centres = networks.target._parameters["centre"][:, :, 0].numpy()
    theirs.state = {name: jax.numpy.array(w) for name, w in begun.items()}, theirs.state[1]
    for step in range(STEPS):
        losses = theirs.learn(networks.minibatches.draw(step)[0].numpy())
        networks.advance(step)
        np.testing.assert_allclose(losses, networks.loss, rtol=1e-5)
    for name, weight in theirs.state[0].items():
        ours = networks.networks.weights[name].detach().numpy()
        assert np.linalg.norm(weight - ours) < 1e-3 * np.linalg.norm(ours - begun[name]), name
    theirs.step()
    assert all(np.isfinite(weight).all() for weight in theirs.state[0].values())


def test_a_step_by_hand_is_the_engines():
    engine, by_hand = load("engine"), load("by_hand")
    if kernels.library() is None:
        pytest.skip("no C compiler here")
    torch.set_num_threads(1)
    walks, spec = engine.walks(), engine.spec(UNITS, CELLS)
    ours, theirs = (engine.stack(walks, [spec], "cpu") for _ in range(2))
    written = by_hand.ByHand(theirs)
    for step in range(STEPS):
        ours.advance(step)
        # Equal but for the order of sums: the same kernels, other shapes of products.
        assert written.advance(step) == pytest.approx(float(ours.loss), rel=1e-5)
    for name, weight in ours.networks.weights.items():
        torch.testing.assert_close(theirs.networks.weights[name], weight, rtol=0, atol=1e-5)


def test_processes_that_begin_together_all_count():
    workers = load("workers")
    with workers.Workers(2, threads=1) as pair:
        assert pair.rate("product", 8, seconds=0.01) > 0
        assert pair.rate("product", 8, seconds=0.01, processes=1) > 0
    workers._step("by_hand", 8)()


def test_ensembles_are_measured_on_one_core(monkeypatch):
    one_core, tables, workers = load("one_core"), load("tables"), load("workers")

    class InThisProcess(workers.Workers):
        def __init__(self, *_, **__):
            self.connections, self.processes = [], []

        def rate(self, what, units, seconds, **size):
            return load("machine").timed(workers._step(what, units, **size), seconds)

    monkeypatch.setattr(one_core, "Workers", InThisProcess)
    sizes = (one_core.Size(8, 10, 5, 2),)
    found = one_core.run(sizes, repeats=1, seconds=0.001)
    (row,) = found["rows"]
    jax = {"jax_plain", "jax_vmap", "jax_in_turn"} if found["libraries"] else set()
    timed = {"engine", "engine_few", "baseline", "product"} | jax
    assert {name for name, value in row.items() if isinstance(value, list)} == timed
    assert all(row[name][0] > 0 for name in timed)
    assert row["operations"] > row["operations_few"] > 0
    without = {"rows": [{k: v for k, v in row.items() if not k.startswith("jax")}]}
    assert "| not measured: install the extra `benchmark` |" in tables.one_core(without)


def test_ratios_on_one_core_are_those_to_the_faster_way_in_jax():
    tables = load("tables")
    row = {"units": 128, "cells": 256, "batch": 100, "networks": 4, "operations": 8e9}
    row |= {"operations_few": 4e9, "engine": [100.0, 100.0], "engine_few": [50.0, 50.0]}
    row |= {"jax_plain": [400.0, 400.0], "baseline": [300.0, 300.0]}
    row |= {"jax_vmap": [150.0, 200.0], "jax_in_turn": [200.0, 120.0]}
    text = tables.one_core({"rows": [row | {"product": [1e11, 1e11]}]})
    assert "| 400 (400–400) | 135 (120–150) | 300 (300–300) | 4.00× (4.00–4.00) |" in text
    assert (
        "| 1.35× (1.20–1.50) | 8.00× (8.00–8.00) | 2.70× (2.40–3.00) | 3.00× (3.00–3.00) |" in text
    )
    assert text.endswith("| 100 (100–100) | 80.0 % (80.0–80.0) | 80.0 % (80.0–80.0) |")


def test_a_process_can_be_pinned_before_it_starts():
    workers = load("workers")
    allowed = os.sched_getaffinity(0)
    ask = [sys.executable, "-c", "import os; print(*os.sched_getaffinity(0))"]
    with workers.pinned(max(allowed)):
        said = subprocess.run(ask, check=True, capture_output=True, text=True).stdout
    assert said.split() == [str(max(allowed))]
    assert os.sched_getaffinity(0) == allowed


def test_the_benchmark_of_a_gpu_runs_without_one():
    gpu, tables = load("gpu"), load("tables")
    small = {"units": 8, "cells": 8, "cohorts": (1, 2), "precisions": ("float32", "bfloat16")}
    found = gpu.run("cpu", **small, repeats=2, seconds=0.01)
    assert [(row["precision"], row["networks"]) for row in found["rows"]] == [
        *(("float32", 1), ("bfloat16", 1), ("float32", 2), ("bfloat16", 2)),
    ]
    assert all(min(row["rate"]) > 0 and row["bound"] > 0 for row in found["rows"])
    assert len(tables.on_gpu(found).splitlines()) == 8


def test_a_bound_counts_kernels_at_every_time_step_where_no_cache_holds_them():
    gpu, engine = load("gpu"), load("engine")
    specs = [engine.spec(10, 5)] * 3
    weights, recurrent = 3 * (100 + 2 * 50 + 20), 3 * 100
    in_cache = 2 * 2 * weights + 8 * 4 * weights
    assert gpu.weight_bytes(specs, 2, cached=2 * recurrent) == in_cache
    again = 2 * 2 * recurrent * (engine.LENGTH - 1)
    assert gpu.weight_bytes(specs, 2, cached=2 * recurrent - 1) == in_cache + again


def test_a_cohort_that_does_not_fit_is_a_row(monkeypatch):
    gpu, tables = load("gpu"), load("tables")

    def too_large(*_):
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(gpu, "measure", too_large)
    small = {"units": 8, "cells": 8, "cohorts": (1,), "precisions": ("float32",)}
    found = gpu.run("cpu", **small, repeats=1, seconds=0.01)
    assert "| float32 | 1 | out of memory |" in tables.on_gpu(found)


def test_results_become_json_and_tables(tmp_path, monkeypatch):
    tables, machine = load("tables"), load("machine")
    shutil.copy(FOLDER / "README.md", tmp_path)
    monkeypatch.setattr(tables, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(tables, "README", tmp_path / "README.md")
    names = "baseline_one_thread", "baseline_all_threads", "baseline_per_core"
    names += "engine", "by_hand", "product"
    row = {"units": 128, "operations": 2.0} | {name: [1.0, 3.0, 2.0] for name in names}
    tables.record("training", lambda: {"rows": [row | {"engine": [4.0, 6.0, 8.0]}]})
    size = {"published_ms": 9.0, "batched_ms": 1.0}
    size |= {"ratio": 9.0, "ratio_least": 8.0, "ratio_greatest": 10.0}
    tables.record("scoring", lambda: {"sizes": {"20 bins": size}})

    text = (tmp_path / "README.md").read_text()
    before, after = (FOLDER / "README.md").read_text().split(tables.START)[0], text
    assert after.startswith(before)
    assert "| 4.00× (2.00–4.00) |" in text  # the median of ratios, not the ratio of medians
    assert "| 20 bins | 9.00 | 1.00 | 9.00× (8.00–10.0) |" in text
    assert "| bfloat16 | 1, 4, 16, 64, 256 | not measured |" in text
    (path,) = (tmp_path / "results").iterdir()
    kept = json.loads(path.read_text())
    assert path.stem == machine.kind(machine.hardware())
    assert kept["training"]["versions"]["torch"] == torch.__version__
    assert np.median(kept["training"]["rows"][0]["engine"]) == 6


@pytest.fixture
def finished(tmp_path):
    """A study of two cohorts: three networks integrate, and chance was scored for two of them."""
    folder = tmp_path / "results" / "made_up"
    of_networks = {
        "low_error": [True, True, True, False],
        "grid_fraction": [0.0, 0.5, np.nan, 0.0],
        **dict.fromkeys(("position_error", "diverged", "max_score", "modules"), [0.0] * 4),
    }
    summary = xr.Dataset({name: ("network", value) for name, value in of_networks.items()})
    summary["spec"] = "network", ["{}"] * 4
    summary = summary.assign_coords(cohort=("network", ["a", "a", "a", "b"]))
    datasets.save(summary.assign_attrs(study="made_up"), folder / "summary.nc", "summary", "code")
    for cohort in "ab":
        names = contract.STAGES["training"].variables
        trained = xr.Dataset({name: ("network", [0.0]) for name in names}, attrs={"device": "cpu"})
        datasets.save(trained, folder / "networks" / f"{cohort}.nc", "training", "code")
        for stage, seconds in (("training", 100), ("rate_maps", 10), ("scores", 20.5)):
            record = folder / "logs" / stage / f"{cohort}.tsv"
            record.parent.mkdir(parents=True, exist_ok=True)
            record.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:01:40\tNA\n")
            record.with_suffix(".log").write_text("20:38:21 INFO step 30/30")
    (folder / "logs" / "training" / "of_an_earlier_plan.tsv").write_text("s\n5\n")
    return folder


def test_a_study_has_a_price_per_network_that_counts(finished):
    study, tables = load("study"), load("tables")
    found = study.cost(finished)
    assert found["core_seconds"] == {"training": 200, "rate_maps": 20, "scores": 41}
    assert (found["networks"], found["counted"], found["device"]) == (4, 2, "cpu")
    row = "| cpu | 4 | 2 | 200 | 20.0 | 41.0 | 261 | 130 |"
    assert row in tables.studies({"rows": [found]})
    assert "| none counts |" in tables.studies({"rows": [found | {"counted": 0}]})

    (finished / "logs" / "training" / "b.log").write_text("20:38:20 INFO b: going on from step 7")
    assert "| at least 261 | at least 130 |" in tables.studies({"rows": [study.cost(finished)]})
    (finished / "logs" / "scores" / "b.tsv").unlink()
    with pytest.raises(errors.DatasetError, match=r"scores/b\.tsv: no such file"):
        study.cost(finished)


def test_studies_stand_beside_each_other(finished, tmp_path, monkeypatch):
    study, tables = load("study"), load("tables")
    shutil.copy(FOLDER / "README.md", tmp_path)
    monkeypatch.setattr(tables, "RESULTS", tmp_path / "benchmarks")
    monkeypatch.setattr(tables, "README", tmp_path / "README.md")
    other = study.cost(finished) | {"study": "another"}
    tables.record("studies", lambda: {"rows": [other, other | {"study": "made_up", "counted": 9}]})
    tables.record("studies", lambda: study.run(finished))
    kept = tables.recorded("studies")["rows"]
    assert [(row["study"], row["counted"]) for row in kept] == [("another", 2), ("made_up", 2)]
    assert "| made_up |" in (tmp_path / "README.md").read_text()


def test_a_study_is_planned_in_a_process_of_its_own(monkeypatch):
    planning = load("planning")
    monkeypatch.setattr(planning, "STUDIES", ("smoke",))
    monkeypatch.setattr(planning, "REPEATS", 1)
    rows = planning.run()["rows"]
    assert [row["device"] for row in rows] == ["auto", "cuda"]
    assert rows[0]["networks"] >= rows[1]["cohorts"] > 0
    assert 0 < rows[0]["useful_share"] <= 1
    assert 1e7 < rows[0]["peak_bytes"][0] < 2e8  # numpy, and not torch


def test_scores_are_the_published_ones_before_they_are_timed():
    maps = np.random.default_rng(0).uniform(size=(2, 20, 20))
    load("scoring")._check(maps)
    with pytest.raises(RuntimeError, match="off the published score"):
        load("scoring")._check(np.where(np.arange(20) < 2, np.nan, maps))
