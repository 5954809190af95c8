"""The benchmarks compare like with like, and their tables render."""

import importlib
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from nofreelunch.compute import kernels

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
        loss = plain.learn(networks.minibatches.draw(step)[0])
        networks.advance(step)
        # Rounding alone: 2e-7 of the loss, and less than 1e-5 of how far the weights have moved.
        assert loss == pytest.approx(float(networks.loss), rel=1e-5)
    for name, weight in layout.items():
        ours = networks.networks.weights[name][0].T
        moved = torch.linalg.vector_norm(ours - begun[name])
        assert torch.linalg.vector_norm(weight - ours) < 1e-3 * moved, name


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
        assert pair.rate("baseline", 8, seconds=0.01, processes=1) > 0
        assert pair.rate("engine", 8, seconds=0.01) > 0
        assert pair.rate("by_hand", 8, seconds=0.01) > 0


def test_the_benchmark_of_a_gpu_runs_without_one():
    gpu, tables = load("gpu"), load("tables")
    found = gpu.run("cpu", 8, 8, (1, 2), ("float32", "bfloat16"), repeats=2, seconds=0.01)
    assert [(row["precision"], row["networks"]) for row in found["rows"]] == [
        *(("float32", 1), ("float32", 2), ("bfloat16", 1), ("bfloat16", 2)),
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
    found = gpu.run("cpu", 8, 8, (1,), ("float32",), repeats=1, seconds=0.01)
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
