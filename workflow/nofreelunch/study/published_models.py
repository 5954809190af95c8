"""The study of published models: their files become networks, and jobs that train them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nofreelunch.errors import refused, shown, suggestion
from nofreelunch.networks import shapes
from nofreelunch.networks.cohorts import Cohort, Network
from nofreelunch.study import costs
from nofreelunch.study.schema import check_values, data_folder, filled, load_schema, read_yaml
from nofreelunch.study.sweeps import StudyError, alternatives, canonical

FOLDER = data_folder("models")
BUDGETS = ("minutes", "paper")
BIN_SIZE = 0.05  # m, of the maps of all models
SURROGATES = 99  # most, of each kind and unit: enough for a level of 5 %
LONGER = 10  # longer walks are so many times as long as those of training
SEEDS = {"training": 1, "maps": 2, "longer": 3}  # of the walks
# Products that take as long as the noise and the tanh of a leaky unit in a time step: on one core,
# 100 units take nine times as long as their products alone.
NOISE_AND_TANH = 800
# Matrices that meet one row at a time are read from memory at each use: they take so many times as
# long as products of large matrices.
ONE_ROW = 40
NOT_OF_NETWORKS = ("walks", "cohort_size")  # keys of a part that are not keys of a network
TO_ZONE = 0.625  # of the walks that networks of the variant "reward" train on
ALIKE = (  # keys that networks of one job share
    *("shape", "stillness", "activation", "target", "cell", "variant"),
    *("units", "graph", "symbols", "modules", "phases", "ramps"),
)
NOT_TRAINED = ("factorisation",)  # kinds that only their maps are computed of
NOT_SCORED = ("graph_memory",)  # kinds without maps of a box


def model_names() -> tuple[str, ...]:
    """Names of the published models, those of their files."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def lists_models(path: Path) -> bool:
    """Whether a study's file lists published models, and not sweeps."""
    return "models" in read_yaml(path, StudyError)


def load_models(path: Path, budget: str) -> dict[str, dict[str, Any]]:
    """The models that a study's file lists, at a budget, in plain JSON types.

    Returns:
        By the name of the model: `paper`, `title`, `bin_size` (m, of the paper's maps), `budget`,
        `deviations` (sentences), `jobs`, and `predictivity`, the keys of a part of that kind, or
        nothing where the model has none.
        A job, by its name, has the `kind` and the specs of its `networks`, which one job trains
        side by side, and the settings of their `walks`, by what these are for; factorisations have
        no walks, and graph memories draw their own.

    Raises:
        StudyError: one line, for a model, a budget or a key that is not there or not allowed.
    """
    values = read_yaml(path, StudyError)
    for key in values:
        if key != "models":
            raise refused(f"{path}: {key}", "an unknown key", "models", StudyError)
    if budget not in BUDGETS:
        hint = suggestion(budget, BUDGETS)
        raise refused("config: budget", shown(budget), f"{', '.join(BUDGETS)}{hint}", StudyError)
    names = values["models"]
    if not isinstance(names, list) or not names:
        raise refused(f"{path}: models", shown(names), "a list of one or more models", StudyError)
    for name in names:
        if name not in model_names():
            allowed = f"{', '.join(model_names())}{suggestion(name, model_names())}"
            raise refused(f"{path}: models", shown(name), allowed, StudyError)
    return {name: _model(FOLDER / f"{name}.yaml", name, budget) for name in names}


def large_bottlenecks(models: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A line for each part of `load_models` with a bottleneck that is larger than its LSTM.

    That is allowed, because the networks of Banino et al. (2018) are such.
    """
    specs = [
        s for model in models.values() for job in model["jobs"].values() for s in job["networks"]
    ]
    larger = {
        (spec["model"], spec["part"]): (spec["units"], spec["lstm_units"])
        for spec in specs
        if spec["kind"] == "bottleneck_lstm" and spec["units"] > spec["lstm_units"]
    }
    return [
        f"{model}: {part}: a bottleneck of {units} units over an LSTM of {lstm} has at most {lstm} "
        "dimensions"
        for (model, part), (units, lstm) in larger.items()
    ]


def _model(path: Path, name: str, budget: str) -> dict[str, Any]:
    rules = load_schema("model")
    values = check_values(read_yaml(path, StudyError), rules, path, error=StudyError)
    jobs: dict[str, dict[str, Any]] = {}
    predictivity: dict[str, Any] = {}
    for part, given in values["parts"].items():
        where = f"parts.{part}"
        if given["kind"] == "predictivity":
            keys, rules_of_kind = {**given["all"], **given[budget]}, rules["kinds"]["predictivity"]
            predictivity = check_values(keys, rules_of_kind, path, where, StudyError)
            continue
        found = list(_networks(path, where, given | {"budget": budget, "model": name}))
        for number, members in enumerate(_cohorts(found)):
            jobs[f"{part}_{number + 1}"] = _job(given["kind"], members)
    return {
        "paper": values["paper"],
        "title": values["title"],
        "bin_size": values["bin_size"],
        "budget": budget,
        "deviations": [*values["deviations"]["always"], *values["deviations"][budget]],
        "jobs": jobs,
        "predictivity": predictivity,
    }


def _networks(path: Path, where: str, part: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The specs of a part, with its walks and the size of its cohorts."""
    rules = load_schema("model")["kinds"][part["kind"]]
    keys = {**part["all"], **part[part["budget"]]}
    axes = [alternatives(value) for value in keys.values()]
    for choice in itertools.product(*axes):
        spec = dict(zip(keys, choice, strict=True))
        spec = filled(check_values(spec, rules, path, where, StudyError), rules)
        _check_sizes(f"{path}: {where}", spec)
        yield {"model": part["model"], "part": where.split(".")[1], "kind": part["kind"], **spec}


def _check_sizes(where: str, spec: Mapping[str, Any]) -> None:
    """Raise StudyError for sizes of a graph memory that do not fit each other."""
    for key in ("sides", "stays"):
        if key in spec and spec[key]["least"] > spec[key]["most"]:
            allowed = f"least <= most, which is {spec[key]['most']}"
            raise refused(f"{where}.{key}", f"least {spec[key]['least']}", allowed, StudyError)
    if "modules" in spec:
        modules, phases = spec["modules"], spec["phases"]
        fits = len(modules) == len(phases) and all(map(int.__ge__, modules, phases))
        if not fits:
            allowed = f"as many numbers as modules, each at most the module's: {modules}"
            raise refused(f"{where}.phases", shown(phases), allowed, StudyError)


def _cohorts(networks: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Networks that train side by side: on the same walks, of one shape, and not too many."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for spec in networks:
        keys = ("units",) if spec["kind"] in NOT_TRAINED else ALIKE
        alike = [spec.get(key) for key in keys]
        groups.setdefault(repr(alike), []).append(spec)
    for group in groups.values():
        size = group[0].get("cohort_size", len(group))
        for first in range(0, len(group), size):
            yield group[first : first + size]


def _job(kind: str, members: list[dict[str, Any]]) -> dict[str, Any]:
    first = members[0]
    walks = {}
    for purpose, count in first.get("walks", {}).items():
        times = LONGER if purpose == "longer" else 1
        steps = times * first["sequence_length"]
        settings = {"count": count, "steps": steps, "seed": SEEDS[purpose]}
        shape: dict[str, Any] = {k: first[k] for k in ("shape", "stillness") if k in first}
        if purpose == "training" and first.get("variant") == "reward":
            shape = {"to_zone": TO_ZONE}
        if kind == "bottleneck_lstm":
            shape = {"motion": "foraging"}
        walks[purpose] = settings | shape
    specs = [{k: v for k, v in spec.items() if k not in NOT_OF_NETWORKS} for spec in members]
    return {"kind": kind, "walks": walks, "networks": [complete(spec) for spec in specs]}


def complete(spec: dict[str, Any]) -> dict[str, Any]:
    """A spec with every key that the library reads; kinds of their own have few of them."""
    if spec["kind"] == "factorisation":
        return spec
    if spec["kind"] == "leaky_tanh":
        return spec | {"target": "position", "cell": "leaky_tanh", "activation": "tanh"}
    if spec["kind"] == "bottleneck_lstm":
        always = {"target": "gaussian", "cell": "bottleneck_lstm", "activation": "tanh"}
        return spec | always | {"optimizer": "rmsprop"}
    if spec["kind"] == "graph_memory":
        return spec | {"units": sum(spec["modules"]), "weight_decay": 0.0}
    rules = load_schema("study")["properties"]["defaults"]
    cell = spec.get("cell", "lstm" if spec["kind"] == "grid_layer_lstm" else "rnn")
    steps = {"loss_steps": spec.get("loss_steps", "all")}
    return {**spec, **canonical(filled({"cell": cell, **steps, **_known(spec, rules)}, rules))}


def _known(spec: Mapping[str, Any], rules: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if key in rules["properties"]}


def cohort_of(name: str, job: Mapping[str, Any]) -> Cohort:
    """The networks of a job of `load_models`, as a cohort of that name."""
    return Cohort(name, tuple(Network(dict(spec)) for spec in job["networks"]))


def operations(spec: Mapping[str, Any]) -> float:
    """Floating-point operations of training a network: forward, and twice as many backward."""
    if spec["kind"] == "factorisation":
        return 0.0
    if spec["kind"] in ("rnn", "three_layer"):
        return spec["steps"] * costs.operations(spec)
    samples = spec["batch_size"] * spec["sequence_length"]
    products = weights(spec)
    if spec["kind"] == "graph_memory":
        places = math.ceil(0.5 + (0.25 + 2 * spec["symbols"]) ** 0.5)  # with a pair for each symbol
        uses = 2 * len(spec["modules"]) + 3  # by three cues, some of which stop early, and to write
        products = ONE_ROW * uses * (sum(spec["phases"]) * places) ** 2
    if spec["kind"] == "leaky_tanh":
        products += spec["units"] * NOISE_AND_TANH
    return 6.0 * spec["steps"] * samples * products


def weights(spec: Mapping[str, Any]) -> int:
    """Number of weights of a network that its layers apply in every time step, roughly."""
    if spec["kind"] == "factorisation":
        return 0
    units = spec["units"]
    if spec["kind"] == "bottleneck_lstm":
        hidden, outputs = spec["lstm_units"], spec["place_cells"] + spec["direction_cells"]
        return 4 * hidden**2 + units * (hidden + outputs) // spec["loss_every"]
    if spec["kind"] == "graph_memory":
        return 20 * units**2  # of the transition, which has more than all others
    if spec["kind"] == "grid_layer_lstm":
        hidden = spec["lstm_units"]
        return 4 * hidden**2 + hidden * units + units * spec["place_cells"]
    if spec["kind"] == "three_layer":
        layout = shapes.weight_shapes(spec["cell"], units, costs.outputs(spec))
        return sum(rows * columns for rows, columns in layout.values())
    return units**2 + (units * spec["place_cells"] if spec["kind"] == "rnn" else 0)
