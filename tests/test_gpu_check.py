"""The check of a GPU, rehearsed on a CPU and on the meta device, and broken on purpose."""

import json
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
from meta_device import META, OneDevice
from nofreelunch.compute import fused
from nofreelunch.scoring import grid_scores
from nofreelunch.task.trajectories import random_walk
from nofreelunch.training import loop, optimizers
from nofreelunch.training.minibatches import Pool

FOLDER = Path(__file__).parents[1] / "benchmarks"
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)


@pytest.fixture
def proofs(monkeypatch):
    import gpu_proofs

    few = {k: v for k, v in gpu_proofs.cases().items() if k in ("rnn", "gru", "relu", "polar")}
    monkeypatch.setattr(gpu_proofs, "cases", lambda: few | dict.fromkeys(MORE, few["rnn"]))
    monkeypatch.setattr(gpu_proofs, "STEPS", 6)
    monkeypatch.setattr(gpu_proofs, "COMPILED", ("rnn",))
    monkeypatch.setattr(fused, "BACKEND", "aot_eager")  # traces, and compiles nothing
    return gpu_proofs


MORE = ("lstm", "dropout", "all loss steps", "cartesian")  # which `resume` asks for


def last(generator):
    *_, result = generator
    return json.loads(json.dumps(result))


def check(*arguments):
    """Run the command; returns the code that it exits with."""
    import gpu_check

    with patch.object(sys, "argv", ["gpu_check.py", *map(str, arguments)]):
        try:
            gpu_check.main()
        except SystemExit as ended:
            return ended.code
    return None


def test_every_cell_activation_target_and_optimizer_is_a_case():
    import gpu_proofs
    from nofreelunch.networks import network_stack, shapes
    from nofreelunch.task.catalogue import target_names

    specs = list(gpu_proofs.cases().values())
    for key, names in (
        ("cell", shapes.cells()),
        ("activation", network_stack.ACTIVATIONS),
        ("target", target_names()),
        ("optimizer", optimizers.OPTIMIZERS),
        ("loss_steps", [4, "all"]),
    ):
        assert {spec[key] for spec in specs} == set(names)


def test_every_case_takes_a_step_on_the_meta_device():
    import gpu_proofs

    cpu = torch.Tensor.cpu
    for spec in gpu_proofs.cases().values():
        specs = [spec, *(spec | beside for beside in gpu_proofs.BESIDE)]
        fields = lambda x: torch.full(x.shape, 1) if x.is_meta else cpu(x)  # noqa: E731
        with patch.object(torch.Tensor, "cpu", fields):
            pool = Pool(random_walk(500, gpu_proofs.LENGTH, seed=0), specs, META)
            stack = loop.TrainingStack(range(3), specs, pool, "float32")
        with OneDevice():
            stack.position, stack.times = stack.minibatches.draw(0)
            stack._compute()
        assert {tensor.device for tensor in (*stack._state(), stack.loss)} == {META}


def test_parity_finds_a_device_that_computes_otherwise(proofs, monkeypatch):
    assert last(proofs.parity(CPU))["failed"] == []
    update = optimizers._update

    def slower(tensors, rule, rates, alive):
        update(tensors, rule, 0.9 * rates, alive)

    monkeypatch.setattr(optimizers, "_update", slower)
    found = last(proofs.parity(CPU))
    smooth = [case for case in found["cases"] if not case["case"].startswith("relu")]
    assert len(found["failed"]) >= len(smooth) == 2 * (len(proofs.cases()) - 1) + 1
    assert "parity of gru, alone: a weight differs by" in "\n".join(found["failed"])
    assert all("from the CPU; allowed: " in line for line in found["failed"])


def test_parity_finds_a_compiler_that_fails_or_computes_otherwise(proofs, monkeypatch):
    def wrong(graph, inputs):
        return lambda *arguments: [-x for x in graph(*arguments)]

    def broken(graph, inputs):
        raise RuntimeError("no code")

    for backend, said in ((broken, "is not compiled"), (wrong, "a weight differs by")):
        monkeypatch.setattr(fused, "BACKEND", backend)
        torch._dynamo.reset()
        (line,) = last(proofs.parity(CPU))["failed"]
        assert line.startswith("parity of rnn, compiled: ") and said in line


def test_parity_names_what_fails_and_goes_on(proofs):
    with patch.object(proofs, "differences", side_effect=RuntimeError("no kernel\nfor this")):
        found = last(proofs.parity(CPU))
    assert found["failed"][0] == "parity of rnn, alone: RuntimeError: no kernel"
    assert len(found["failed"]) == 2 * len(proofs.cases()) + len(proofs.COMPILED)


def test_resume_finds_state_that_is_lost(proofs, monkeypatch):
    assert last(proofs.resume(CPU))["failed"] == []
    load = loop.TrainingStack._load

    def forgets(stack, state):
        load(stack, state)
        stack.optimizer.mean["recurrent"].zero_()

    monkeypatch.setattr(loop.TrainingStack, "_load", forgets)
    found = last(proofs.resume(CPU))
    assert found["failed"][0] == "resume of rnn: other weights than without the stop"


def test_halves_finds_a_cohort_that_was_not_split(proofs):
    found = last(proofs.halves(CPU))
    assert found["stacks"] == [8, 4] and found["failed"] == []
    with patch.object(proofs, "NETWORKS", 1):
        expected = ["halves: the cohort was not trained in halves"]
        assert last(proofs.halves(CPU))["failed"] == expected


def test_scores_finds_a_device_that_is_off(proofs, monkeypatch):
    monkeypatch.setattr(proofs, "MAPS", {9: 3})
    monkeypatch.setattr(proofs.machine, "timed", lambda step, seconds: 1.0)
    assert last(proofs.scores(CPU))["failed"] == []
    exact, calls = grid_scores.grid_scores, []

    def off(maps, device=None):
        calls.append(device)
        found = exact(maps)
        return found if device is None else found + 1e-3

    monkeypatch.setattr(proofs.grid_scores, "grid_scores", off)
    assert last(proofs.scores(CPU))["failed"] == ["scores of 9 bins: off by 1.0e-03"]


def test_a_part_that_takes_too_long_is_stopped_and_what_it_has_is_kept(tmp_path, caplog):
    import gpu_check

    def slow(command, timeout, check):
        """Writes one case of the first part, and nothing of the second."""
        if "parity" in command:
            (tmp_path / "parity.json").write_text('{"failed": ["parity of rnn: off"]}')
        raise subprocess.TimeoutExpired(command, timeout)

    caplog.set_level("INFO")
    with patch.object(gpu_check.subprocess, "run", slow):
        assert check("--out", tmp_path, "--device", "cpu", "--parts", "parity", "resume") == 1
    assert caplog.messages == [
        "parity of rnn: off, 0 s",
        "resume: stopped after 40 s, before its first case, 0 s",
        "first failure: parity of rnn: off",
    ]
    with patch.object(gpu_check.subprocess, "run", slow):
        (tmp_path / "parity.json").unlink()
        check("--out", tmp_path, "--device", "cpu", "--parts", "resume", "--seconds", "3")
    assert caplog.messages[-1].endswith("resume: stopped after 3 s, before its first case")


def test_a_part_keeps_what_it_found_before_it_was_stopped(tmp_path, monkeypatch):
    import gpu_check

    def endless(where, folder, seconds, small):
        yield {"cases": [1], "failed": []}
        raise KeyboardInterrupt

    monkeypatch.setitem(gpu_check.PARTS, "parity", (endless, 1))
    with pytest.raises(KeyboardInterrupt):
        check("--alone", "--out", tmp_path, "--device", "cpu", "--parts", "parity")
    found = json.loads((tmp_path / "parity.json").read_text())
    assert found["cases"] == [1] and found["hardware"]["gpu"] is None and not found["small"]


def test_parts_of_a_rehearsal_pass_and_are_not_recorded(tmp_path, caplog):
    caplog.set_level("INFO")
    asked = ("--out", tmp_path, "--device", "cpu", "--small", "--parts", "halves", "speed")
    assert check(*asked) == 0
    assert caplog.messages[-1] == "all parts passed"
    assert "has a rehearsal; allowed: a run without --small" in check("--record", tmp_path)
    assert "has no results; allowed: the --out of an earlier run" in check("--record", "nowhere")


def test_results_of_a_run_go_to_the_tables(tmp_path, monkeypatch):
    import gpu_check
    import tables

    monkeypatch.setattr(tables, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(tables, "README", tmp_path / "README.md")
    tables.README.write_text(f"{tables.START}\n{tables.END}\n")
    about = {"hardware": {"cpu": "A", "instructions": "B", "cores": 1, "gpu": "G"}, "date": "today"}
    about |= {"load": 0.0, "versions": {"torch": "2"}, "small": False, "failed": []}
    case = {"case": "rnn", "from_cpu": 2e-7, "graph_from_eager": 0.0, "captured": True}
    row = {
        "precision": "tf32",
        "networks": 4,
        "rate": [8.0],
        "bound": 10.0,
        "bound_by": "arithmetic",
    }
    shares = {"share_small_p": 0.125, "share_significant": 0.0625, "error_20": 0.05}
    network = shares | {"units": 1024, "surround": {"width_ratio": 2.0}, "seed": 0, "steps": 5000}
    results = {
        "parity": {"cases": [case], "failed": ["parity of gru, alone: off"]},
        "resume": {"cases": [{"case": "rnn", "same": True}]},
        "halves": {"stacks": [8, 4]},
        "scores": {"bins": {"22": {"numpy_ms": 0.3, "device_ms": 0.1, "difference": 1e-9}}},
        "speed": {"rows": [row | {"jax": [2.0]}], "products": {"tf32": [1e12]}, "bandwidth": [1e9]},
        "precision": {"differences": {"tf32": {"error_20": [0.01, -0.01, 0.03]}}},
        "talk": {"networks": [network]},
    }
    assert set(results) == set(gpu_check.PARTS)
    for name, result in results.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(about | result))
    check("--record", tmp_path)
    page = tables.README.read_text()
    for expected in (
        "| tf32 | 4 | 8.00 (8.00–8.00) |  | 2.00 (2.00–2.00) | 10.0 | arithmetic |",
        "| largest difference of a weight, 1 cases | 2.0e-07 from the CPU, 0.0e+00 by the graph |",
        "| resumed bit for bit | 1 of 1 cases |",
        "| too little memory | stacks of 8 and 4 networks |",
        "| grid scores, 22 bins | 0.3 ms per map by numpy, 0.1 on the device, difference 1.0e-09 |",
        "| tf32 less float32, error_20 | +0.01 [-0.01, +0.03] |",
        "seed 0 | 5,000 steps, 5.0 cm, p ≤ 0.05 in 12.5 %, significant 6.2 % |",
        "| failed | parity of gru, alone: off |",
    ):
        assert expected in page


def test_what_travels_to_the_device_is_small(caplog):
    caplog.set_level("INFO")
    check("--files")
    *_, total, fetch = caplog.messages
    count, megabytes = total.split(" files, ")
    assert int(count) > 100 and float(megabytes.removesuffix(" MB")) < 64
    assert (
        fetch.startswith("python -m pip download")
        and " xarray==" in fetch
        and " netCDF4==" in fetch
    )


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ((), "--out: no folder; allowed: --out DIR, --record DIR or --files"),
        (("--out", "x", "--parts", "all"), "invalid choice: 'all'"),
        (("--out", "x"), "found 'cuda', but torch sees no CUDA device; allowed: cpu"),
    ],
)
def test_what_cannot_be_run_is_refused(asked, expected, capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert check(*asked) == 2
    assert expected in capsys.readouterr().err
    assert not Path("x").exists()
