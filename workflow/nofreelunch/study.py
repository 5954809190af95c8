"""Planning: a study file becomes sweeps, networks and cohorts. Nothing here trains anything."""

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from nofreelunch import schemas
from nofreelunch.cohorts import Cohort, Network, digest
from nofreelunch.costs import memory, outputs, share_of_sizes, sizes

FOLDER = Path(__file__).parents[1] / "studies"
SAMPLE_STREAM = 6
MOST_NETWORKS = 200_000
NOT_AXES = ("source", "sample")  # what a sweep says besides keys of a network

# The keys that a target does not use; they are null in a spec, so that crossing them adds nothing.
_FIELD_KEYS = ("place_cell_width", "surround", "amplitude_ratio", "fields_per_cell")
UNUSED = {
    "cartesian": ("place_cells", *_FIELD_KEYS),
    "polar": ("place_cells", *_FIELD_KEYS),
    "high_dim_cartesian": _FIELD_KEYS,
    "high_dim_polar": _FIELD_KEYS,
    "gaussian": ("surround", "amplitude_ratio"),
    "general_difference_of_gaussians": (),
}
UNUSED_ELSEWHERE = ("amplitude_ratio",)
TARGET_KEYS = ("target", "place_cells", *_FIELD_KEYS)

# Networks of one cohort agree in what sets the shapes of weights or the graph of a training step.
STACK_KEYS = ("target", "cell", "activation", "units")
GPU_UNITS = (
    1024  # networks of so many units and more are packed for a GPU unless a CPU is asked for
)
MOST_STACKED = 64  # networks of a cohort on a GPU
MOST_MEMORY = 32e9  # bytes of a cohort on a GPU
LEAST_USEFUL = 0.33  # share of a cohort's arithmetic that may not be padding


class StudyError(schemas.InvalidFile):
    """A study that cannot be planned. The message is one line: file, key, found, allowed."""


@dataclass(frozen=True)
class Study:
    """A study as planned.

    `networks` holds each network once, in file order; `sweeps` the network ids of each sweep, of
    which `sampled` are random samples; `defaults` the spec of the reference configuration;
    `trajectories` the arena's side (m) and the training and evaluation pools.
    """

    name: str
    networks: tuple[Network, ...]
    sweeps: Mapping[str, tuple[str, ...]]
    sampled: frozenset[str]
    defaults: Mapping[str, Any]
    trajectories: Mapping[str, Any]

    @property
    def targets(self) -> dict[str, list[dict[str, Any]]]:
        """The distinct targets of each encoding, in the order of the networks."""
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for network in self.networks:
            spec = {key: network.spec[key] for key in TARGET_KEYS}
            found.setdefault(spec["target"], {})[repr(spec)] = spec
        return {encoding: list(specs.values()) for encoding, specs in found.items()}

    @property
    def cohorts(self) -> tuple[Cohort, ...]:
        """The cohorts with the default cohort size."""
        return self.pack()

    def pack(self, cohort_size: int | str = "auto", device: str = "auto") -> tuple[Cohort, ...]:
        """The cohorts of the study.

        Networks are packed sweep by sweep, each in the first sweep that lists it, and seed by seed
        but for random samples, which a new seed draws anew. So a new sweep or seed leaves the
        cohorts there are as they were, unless a later sweep lists some of its networks, which
        change cohort then, as they do where such a sweep is removed. A sweep with another axis or
        value, and a larger sample, are packed anew.
        """
        networks = {network.id: network for network in self.networks}
        cohorts = []
        for name, members in self.sweeps.items():
            new = [networks.pop(member) for member in members if member in networks]
            cohorts.extend(pack(new, cohort_size, device, mix_seeds=name in self.sampled))
        return tuple(cohorts)


def names() -> tuple[str, ...]:
    """The studies that come with the project."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def load(path: str | Path) -> Study:
    """The study in the YAML file at `path`, or the one of that name that comes with the project.

    Raises `StudyError`, with one line, for a file that is missing or says something it may not.
    """
    path = resolve(path)
    rules = schemas.schema("study")
    values = schemas.check(schemas.read(path, StudyError), rules, path, error=StudyError)
    values = schemas.filled(values, rules)
    trajectories = values["trajectories"]
    if trajectories["evaluation"]["seed"] == trajectories["training"]["seed"]:
        allowed = "another seed than trajectories.training.seed, or evaluation sees training data"
        seed = trajectories["evaluation"]["seed"]
        schemas.refuse(path, "trajectories.evaluation.seed", seed, allowed, StudyError)

    planner = _Planner(path, values["defaults"], trajectories["arena"])
    sweep_rules = rules["properties"]["sweeps"]["additionalProperties"]
    sweeps = {
        name: planner.sweep(name, schemas.filled(sweep, sweep_rules))
        for name, sweep in values["sweeps"].items()
    }
    networks = tuple({n.id: n for sweep in sweeps.values() for n in sweep}.values())
    walks, batch = trajectories["training"]["count"], max(n["batch_size"] for n in networks)
    if walks < batch:
        allowed = f"at least {batch}, the largest batch_size of the study"
        schemas.refuse(path, "trajectories.training.count", walks, allowed, StudyError)
    return Study(
        name=path.stem,
        networks=networks,
        sweeps={name: tuple(n.id for n in sweep) for name, sweep in sweeps.items()},
        sampled=frozenset(name for name, sweep in values["sweeps"].items() if "sample" in sweep),
        defaults=canonical(values["defaults"]),
        trajectories=trajectories,
    )


def canonical(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The spec by meaning: None for what the target does not use, `encoder_scale` a number."""
    unused = UNUSED.get(spec["target"], UNUSED_ELSEWHERE)
    result = {key: None if key in unused else value for key, value in spec.items()}
    if result["encoder_scale"] == "place_cells":
        result["encoder_scale"] = float(result["place_cells"] or 2)
    return result


def pack(
    networks: Sequence[Network],
    cohort_size: int | str = "auto",
    device: str = "auto",
    mix_seeds: bool = False,
) -> tuple[Cohort, ...]:
    """Cohorts of at most `cohort_size` networks that stack, named after their networks alone.

    Networks of about equal size lie side by side. A cohort ends where too much of its arithmetic
    would be padding.
    """
    groups: dict[tuple, list[Network]] = {}
    for network in networks:
        seed = None if mix_seeds else network["seed"]
        groups.setdefault((_stack_key(network.spec), seed), []).append(network)
    cohorts = []
    for group in groups.values():
        group.sort(key=_size, reverse=True)
        most = _auto_size(group, device) if cohort_size == "auto" else int(cohort_size)
        members: list[Network] = []
        counts: Counter[tuple[int, ...]] = Counter()
        for network in group:
            counts[sizes(network.spec)] += 1
            share = share_of_sizes(network["cell"], network["units"], counts)
            if len(members) == most or share < LEAST_USEFUL:
                cohorts.append(_cohort(members))
                members, counts = [], Counter([sizes(network.spec)])
            members.append(network)
        cohorts.append(_cohort(members))
    return tuple(cohorts)


def _size(network: Network) -> tuple[int, ...]:
    return network["sequence_length"] * network["batch_size"], network["steps"]


def _cohort(networks: Sequence[Network]) -> Cohort:
    first = networks[0]
    members = digest([network.id for network in networks], 10)
    parts = (first["target"], first["cell"], first["activation"], first["units"], members)
    return Cohort("-".join(map(str, parts)), tuple(networks))


def _stack_key(spec: Mapping[str, Any]) -> tuple:
    # A code of several fields is another graph; its parameters are only numbers.
    several_fields = isinstance(spec["fields_per_cell"], Mapping)
    return (*(spec[key] for key in STACK_KEYS), several_fields)


def _auto_size(group: Sequence[Network], device: str) -> int:
    # A GPU is filled by many networks. On a CPU a network in a stack of four takes a third less
    # time than one alone with 32 units and 64 place cells, up to a fifth less with 128 and 256, and
    # three jobs fewer start. Sixteen save a tenth more with 32 units, three tenths with 16. Larger
    # networks gain little, and lose by fewer jobs side by side.
    specs = [network.spec for network in group]
    if device == "cuda" or (device == "auto" and specs[0]["units"] >= GPU_UNITS):
        fitting = int(MOST_MEMORY * len(specs) / memory(specs))
        return max(1, min(MOST_STACKED, fitting))
    weights = specs[0]["units"] * max(specs[0]["units"], *map(outputs, specs))
    if weights > 2**15:
        return 1
    return 4 if weights > 2**11 else 16


def resolve(path: str | Path) -> Path:
    """The file of a study: of one that comes with the project, by its name, or of any other.

    Raises `StudyError` for a file that is not there, or that would share another's results folder.
    """
    if str(path) in names():
        return FOLDER / f"{path}.yaml"
    file = Path(path)
    if not file.is_file():
        hint = schemas.suggestion(path, names())
        allowed = f"{', '.join(names())}, or the path of an existing YAML file{hint}"
        schemas.refuse("config", "study", str(path), allowed, StudyError)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", file.stem):
        allowed = "letters, digits, - and _, because it names the results folder"
        schemas.refuse(file, "file name", file.stem, allowed, StudyError)
    if file.stem in names() and file.resolve().parent != FOLDER.resolve():
        allowed = f"another name than {', '.join(names())}, whose results folder it would share"
        schemas.refuse(file, "file name", file.stem, allowed, StudyError)
    return file


def alternatives(value: Any) -> list[Any]:
    """The values that one entry of a sweep stands for: a list is an axis, at any depth."""
    if isinstance(value, list):
        return [
            choice
            for item in value
            for choice in (alternatives(item) if isinstance(item, Mapping) else [item])
        ]
    if isinstance(value, Mapping) and "uniform" not in value:
        choices = itertools.product(*(alternatives(item) for item in value.values()))
        return [dict(zip(value, choice, strict=True)) for choice in choices]
    return [value]


def _shuffled(count: int, seed: int) -> Iterator[int]:
    """The indices below `count` in a random order, drawn one at a time (Fisher and Yates)."""
    rng = np.random.default_rng([seed, SAMPLE_STREAM])
    moved: dict[int, int] = {}
    for left in range(count, 0, -1):
        pick = int(rng.integers(left))
        yield moved.get(pick, pick)
        moved[pick] = moved.pop(left - 1, left - 1)


class _Planner:
    """Turns the sweeps of one file into networks; it keeps what every error message needs."""

    def __init__(self, path: Path, defaults: dict[str, Any], arena: float):
        self.path, self.defaults, self.arena = path, defaults, arena
        self.rules = schemas.schema("study")["properties"]["defaults"]["properties"]
        for key, value in defaults.items():
            self._value(f"defaults.{key}", key, value)
        self._network("defaults", defaults)

    def sweep(self, name: str, sweep: Mapping[str, Any]) -> list[Network]:
        """The distinct networks of one sweep, in file order."""
        where = f"sweeps.{name}"
        axes = {}
        for key, value in sweep.items():
            if key in NOT_AXES:
                continue
            place = f"{where}.{key}"
            axes[key] = [self._value(place, key, item) for item in alternatives(value)]
            if not axes[key]:
                self._refuse(place, value, "at least one value: the sweep crosses to no network")
        total = math.prod(map(len, axes.values()))
        sample = sweep.get("sample")
        wanted = sample["count"] if sample else total
        if wanted > MOST_NETWORKS:
            allowed = f"at most {MOST_NETWORKS} networks in one sweep; sample draws some of them"
            self._refuse(where, wanted, allowed)

        networks: dict[str, Network] = {}
        for index in _shuffled(total, sample["seed"]) if sample else range(total):
            if len(networks) == wanted:
                break
            network = Network(self._network(where, self.defaults | _combination(axes, index)))
            networks.setdefault(network.id, network)
        if sample and len(networks) < wanted:
            allowed = f"at most {len(networks)}, the distinct networks of the crossed space"
            self._refuse(f"{where}.sample.count", wanted, allowed)
        return list(networks.values())

    def _value(self, where: str, key: str, value: Any) -> Any:
        rules = self.rules[key]
        value = schemas.check(value, rules, self.path, where, StudyError)
        inner = [value, *(value.values() if isinstance(value, Mapping) else ())]
        for bounds in [item["uniform"] for item in inner if _is_uniform(item)]:
            if not bounds[0] < bounds[1]:
                self._refuse(where, value, "uniform: [low, high] with low < high")
        if key == "place_cell_width":
            widest = value["uniform"][1] if _is_uniform(value) else value
            if widest >= self.arena:
                allowed = f"a width (m) > 0 and < {self.arena}, the side of the arena"
                self._refuse(where, value, allowed)
        return schemas.filled(value, rules)

    def _network(self, where: str, spec: Mapping[str, Any]) -> dict[str, Any]:
        if spec["target"] == "high_dim_polar" and spec["place_cells"] % 2:
            allowed = "an even number for high_dim_polar: half for distance, half for angle"
            self._refuse(f"{where}.place_cells", spec["place_cells"], allowed)
        return canonical(spec)

    def _refuse(self, where: str, value: Any, allowed: str) -> NoReturn:
        schemas.refuse(self.path, where, value, allowed, StudyError)


def _is_uniform(value: Any) -> bool:
    return isinstance(value, Mapping) and "uniform" in value


def _combination(axes: Mapping[str, list[Any]], index: int) -> dict[str, Any]:
    """Element `index` of the cross product of the axes, the last of which varies fastest."""
    chosen = {}
    for key in reversed(axes):
        index, position = divmod(index, len(axes[key]))
        chosen[key] = axes[key][position]
    return chosen
