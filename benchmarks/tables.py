"""Benchmark results: JSON files by kind of hardware, and their tables in README.md."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import gpu
import machine
import numpy as np

FOLDER = Path(__file__).parent
RESULTS, README = FOLDER / "results", FOLDER / "README.md"
START, END = "<!-- tables: start -->", "<!-- tables: end -->"
GIGA = 1e9
DAY = 86_400  # s
NO_JAX = "not measured: install the extra `benchmark`"

Row = Mapping[str, Any]

log = logging.getLogger("benchmarks")


def record(part: str, run: Callable[[], dict[str, Any]]) -> None:
    """Run a benchmark, keep its results for this kind of hardware, and rewrite all tables."""
    hardware, conditions = machine.hardware(), machine.conditions()
    keep(hardware, part, conditions | run())


def keep(hardware: dict[str, Any], part: str, found: dict[str, Any]) -> None:
    """Keep the results of a benchmark for a kind of hardware, and rewrite all tables."""
    path, kept = _results(hardware)
    kept |= {"hardware": hardware, part: found}
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps(kept, indent=1) + "\n")
    results = [json.loads(file.read_text()) for file in sorted(RESULTS.glob("*.json"))]
    before, rest = README.read_text().split(START)
    tables = "\n\n".join(map(render, results))
    README.write_text(f"{before}{START}\n\n{tables}\n\n{END}{rest.split(END)[1]}")
    log.info("%s: wrote %s and the tables of %s", part, path.name, README.name)


def recorded(part: str) -> Mapping[str, Any]:
    """What `record` last kept of a benchmark for this kind of hardware; empty if nothing."""
    return _results(machine.hardware())[1].get(part, {})


def _results(hardware: dict[str, Any]) -> tuple[Path, dict[str, Any]]:
    path = RESULTS / f"{machine.kind(hardware)}.json"
    return path, json.loads(path.read_text()) if path.exists() else {}


def render(result: Mapping[str, Any]) -> str:
    """The tables of one kind of hardware, in Markdown."""
    of = result["hardware"]
    parts = [
        f"### {of['cpu']} ({of['instructions']}), {of['cores']} cores, {of['gpu'] or 'no GPU'}"
    ]
    for name, (title, table) in PARTS.items():
        found = result.get(name)
        if name == "gpu_checks" and not found:
            continue
        parts += [f"**{title}.** {_conditions(found)}", table(found or {})]
    return "\n\n".join(parts)


def training(found: Row) -> str:
    """Table of training on a CPU, in networks·steps/s."""
    head = (
        "Ng = Np",
        "baseline, one thread",
        "baseline, all threads",
        "one baseline per core",
        "engine",
        "by hand",
        "engine / baseline",
        "engine / one baseline per core",
        "engine / by hand",
        "products, GFLOP/s",
        "share, engine",
        "most possible",
    )
    rows = []
    for row in found.get("rows", ()):
        values = {name: np.array(of) for name, of in row.items() if isinstance(of, list)}
        best = np.maximum(values["baseline_one_thread"], values["baseline_all_threads"])
        most = values["product"] / row["operations"]  # networks·steps/s if only products took time
        values.setdefault("by_hand", np.full(1, np.nan))  # older results lack it
        speeds = ("baseline_one_thread", "baseline_all_threads", "baseline_per_core")
        speeds += "engine", "by_hand"
        rows.append(
            (
                str(row["units"]),
                *(_spread(values[name]) for name in speeds),
                _spread(values["engine"] / best, "×"),
                _spread(values["engine"] / values["baseline_per_core"], "×"),
                _spread(values["engine"] / values["by_hand"], "×"),
                _spread(values["product"] / GIGA),
                _spread(100 * values["engine"] / most, " %"),
                _spread(most / best, "×"),
            )
        )
    return _table(head, rows)


def one_core(found: Row) -> str:
    """Table of ensembles on one core, in milliseconds per training step of all networks."""
    head = (
        "Ng, Np, batch",
        "networks",
        "engine, ms",
        "engine, 4 loss steps, ms",
        "plain JAX, ms",
        "tuned JAX, ms",
        "PyTorch, ms",
        "engine / plain JAX",
        "engine / tuned JAX",
        "4 loss steps / plain JAX",
        "4 loss steps / tuned JAX",
        "engine / PyTorch",
        "products, GFLOP/s",
        "share, engine",
        "share, 4 loss steps",
    )
    rows = []
    for row in found.get("rows", ()):
        values = {name: np.array(of) for name, of in row.items() if isinstance(of, list)}
        tuned = [values[name] for name in ("jax_vmap", "jax_in_turn") if name in values]
        in_jax, ratios = [NO_JAX, NO_JAX], [""] * 4
        if tuned:
            plain, fastest = values["jax_plain"], np.min(tuned, 0)
            in_jax = [_spread(plain), _spread(fastest)]
            ratios = [
                _spread(of / values[name], "×")
                for name in ("engine", "engine_few")
                for of in (plain, fastest)
            ]
        shares = [
            _spread(100 * row[operations] / (1e-3 * values[name] * values["product"]), " %")
            for name, operations in (("engine", "operations"), ("engine_few", "operations_few"))
        ]
        rows.append(
            (
                f"{row['units']}, {row['cells']}, {row['batch']}",
                str(row["networks"]),
                *(_spread(values[name]) for name in ("engine", "engine_few")),
                *in_jax,
                _spread(values["baseline"]),
                *ratios,
                _spread(values["baseline"] / values["engine"], "×"),
                _spread(values["product"] / GIGA),
                *shares,
            )
        )
    return _table(head, rows)


def on_gpu(found: Row) -> str:
    """Table of training on a GPU, in networks·steps/s."""
    head = (
        "precision",
        "networks",
        "networks·steps/s",
        "without the graph",
        "JAX",
        "bound",
        "bound by",
        "share of it",
        "MB per network",
        "networks per day",
    )
    rows = [_gpu_row(row) for row in found.get("rows", ())]
    if not rows:
        cohorts = ", ".join(map(str, gpu.COHORTS))
        rows = [(precision, cohorts, "not measured", *[""] * 7) for precision in gpu.BYTES]
    measured = [
        f"{precision} products {_spread(np.array(of) / 1e12)} TFLOP/s"
        for precision, of in found.get("products", {}).items()
    ]
    if measured:
        measured.append(f"copies {_spread(np.array(found['bandwidth']) / GIGA)} GB/s")
    return _table(head, rows) + ("\n\n" + "; ".join(measured) + "." if measured else "")


def _gpu_row(row: Row) -> tuple[str, ...]:
    first = row["precision"], str(row["networks"])
    if "error" in row:
        return (*first, row["error"], *[""] * 7)
    rate, eager = np.array(row["rate"]), row.get("rate_without_graph")
    memory, graph = row.get("bytes_per_network"), row.get("graph", True)
    return (
        *first,
        _spread(rate) + ("" if graph else ", no graph"),
        _spread(np.array(eager)) if eager else "",
        _spread(row["jax"]) if "jax" in row else row.get("jax_error", ""),
        _number(row["bound"]),
        row["bound_by"],
        _spread(100 * rate / row["bound"], " %"),
        _number(memory / 1e6) if memory else "",
        _number(float(np.median(rate)) * DAY / gpu.engine.STEPS),
    )


def gpu_checks(found: Row) -> str:
    """Table of what `gpu_check.py` found besides speed."""
    rows = [row for name, result in found["parts"].items() for row in CHECKS[name](result)]
    failed = [line for result in found["parts"].values() for line in result["failed"]]
    rows += [("failed", line) for line in failed]
    return _table(("check", "result"), rows)


def _parity_rows(found: Row) -> list[tuple[str, str]]:
    cases = [case for case in found["cases"] if "error" not in case]
    worst = {key: max(case[key] for case in cases) for key in ("from_cpu", "graph_from_eager")}
    text = f"{worst['from_cpu']:.1e} from the CPU, {worst['graph_from_eager']:.1e} by the graph"
    return [(f"largest difference of a weight, {len(cases)} cases", text)]


def _resume_rows(found: Row) -> list[tuple[str, str]]:
    same = sum(bool(case.get("same")) for case in found["cases"])
    return [("resumed bit for bit", f"{same} of {len(found['cases'])} cases")]


def _halves_rows(found: Row) -> list[tuple[str, str]]:
    stacks = " and ".join(map(str, found["stacks"]))
    return [("too little memory", f"stacks of {stacks} networks")]


def _score_rows(found: Row) -> list[tuple[str, str]]:
    return [
        (
            f"grid scores, {bins} bins",
            f"{row['numpy_ms']:.3g} ms per map by numpy, {row['device_ms']:.3g} on the device, "
            f"difference {row['difference']:.1e}",
        )
        for bins, row in found["bins"].items()
    ]


def _precision_rows(found: Row) -> list[tuple[str, str]]:
    return [
        (f"{kind} less float32, {name}", f"{mean:+.3g} [{low:+.3g}, {high:+.3g}]")
        for kind, of_kind in found["differences"].items()
        for name, (mean, low, high) in of_kind.items()
    ]


def _talk_rows(found: Row) -> list[tuple[str, str]]:
    return [
        (
            f"talk's setting, {row['units']} units, {row['surround']}, seed {row['seed']}",
            f"{row['steps']:,} steps, {100 * row['error_20']:.1f} cm, "
            f"p ≤ 0.05 in {100 * row['share_small_p']:.1f} %, "
            f"significant {100 * row['share_significant']:.1f} %",
        )
        for row in found["networks"]
    ]


CHECKS: dict[str, Callable[[Row], list[tuple[str, str]]]] = {
    "parity": _parity_rows,
    "resume": _resume_rows,
    "halves": _halves_rows,
    "scores": _score_rows,
    "precision": _precision_rows,
    "talk": _talk_rows,
}


def scoring(found: Row) -> str:
    """Table of grid scores, in milliseconds per map."""
    head = "map", "published, ms", "batched, ms", "times as fast"
    rows = []
    for size, row in found.get("sizes", {}).items():
        least, greatest = _number(row["ratio_least"]), _number(row["ratio_greatest"])
        times = f"{_number(row['ratio'])}× ({least}–{greatest})"
        rows.append((size, _number(row["published_ms"]), _number(row["batched_ms"]), times))
    return _table(head, rows)


def studies(found: Row) -> str:
    """Table of what finished studies cost, in core-seconds."""
    head = (
        "study",
        "date",
        "trained on",
        "networks",
        "that integrate and are scored with chance",
        "training, core-s",
        "rate maps, core-s",
        "scores, core-s",
        "all three, core-s",
        "core-s per network that counts",
    )
    rows = []
    for row in found.get("rows", ()):
        seconds, counted = row["core_seconds"], row["counted"]
        spent = sum(seconds.values())
        least = "at least " if row["resumed"] else ""
        rows.append(
            (
                row["study"],
                row["date"],
                row["device"],
                f"{row['networks']:,}",
                f"{counted:,}",
                *(_number(seconds[stage]) for stage in ("training", "rate_maps", "scores")),
                least + _number(spent),
                least + _number(spent / counted) if counted else "none counts",
            )
        )
    return _table(head, rows)


def planning(found: Row) -> str:
    """Table of plans: seconds and memory."""
    head = "study", "device", "networks", "cohorts", "useful arithmetic", "seconds", "peak MB"
    rows = [
        (
            row["study"],
            row["device"],
            f"{row['networks']:,}",
            f"{row['cohorts']:,}",
            f"{100 * row['useful_share']:.0f} %",
            _spread(row["seconds"]),
            _spread(np.array(row["peak_bytes"]) / 1e6),
        )
        for row in found.get("rows", ())
    ]
    return _table(head, rows)


PARTS = {
    "training": ("Training on the CPU, networks·steps/s", training),
    "one_core": ("Ensembles on one core, ms per training step of all networks", one_core),
    "gpu": (f"Training on the GPU, Ng = {gpu.UNITS}, Np = {gpu.CELLS}", on_gpu),
    "gpu_checks": ("Checks on the GPU", gpu_checks),
    "scoring": ("Grid scores", scoring),
    "planning": ("Planning", planning),
    "studies": ("Studies", studies),
}


def _conditions(found: Row | None) -> str:
    if not found:
        return "Not measured."
    libraries = found["versions"] | found.get("libraries", {})
    versions = ", ".join(f"{name} {version}" for name, version in libraries.items())
    load = "" if found["load"] is None else f"; load before it {found['load']:.1f}"
    return f"{found['date']}; {versions}{load}."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def _spread(values: Sequence[float] | np.ndarray, unit: str = "") -> str:
    """Median (smallest–largest); empty if anything was not measured."""
    if not np.isfinite(values).all():
        return ""
    middle = _number(float(np.median(values)))
    return f"{middle}{unit} ({_number(np.min(values))}–{_number(np.max(values))})"


def _number(value: float) -> str:
    """A number with three significant digits, without needless decimals."""
    if value == 0 or not np.isfinite(value):
        return str(value)
    digits = max(0, 2 - int(np.floor(np.log10(abs(value)))))
    return f"{value:,.{digits}f}"
