"""Studies: the sweeps in a study file become networks."""

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from nofreelunch import seeds
from nofreelunch.errors import InvalidFile, refused, shown, suggestion
from nofreelunch.networks import loss_steps
from nofreelunch.networks.cohorts import OWN_KEYS, Cohort, Network
from nofreelunch.networks.shapes import cells
from nofreelunch.study.packing import pack_networks
from nofreelunch.study.schema import check_values, data_folder, filled, load_schema, read_yaml
from nofreelunch.task.catalogue import KEYS, facts_of

FOLDER = data_folder("studies")
MOST_NETWORKS = 200_000
NOT_AXES = ("source", "sample")  # keys of a sweep that are not keys of a network

TARGET_KEYS = ("target", *KEYS)


class StudyError(InvalidFile):
    """A study that cannot be planned. The message is one line: file, key, found, allowed."""


@dataclass(frozen=True)
class Study:
    """A study: all networks that its sweeps ask for.

    Attributes:
        name: name of its file.
        networks: each network once, in file order.
        sweeps: network ids of each sweep, by the sweep's name.
        sampled: names of the sweeps that are random samples.
        defaults: spec of the reference configuration.
        trajectories: side of the arena (m) of networks without one of their own, and settings of
            the training and evaluation pools.
    """

    name: str
    networks: tuple[Network, ...]
    sweeps: Mapping[str, tuple[str, ...]]
    sampled: frozenset[str]
    defaults: Mapping[str, Any]
    trajectories: Mapping[str, Any]

    @property
    def targets(self) -> dict[str, list[dict[str, Any]]]:
        """Distinct targets by the name of their encoding, in the order of the networks.

        Those of networks with an arena or place-cell centres of their own are left out.
        """
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for network in self.networks:
            if not network.spec.keys().isdisjoint(OWN_KEYS):
                continue
            spec = {key: network.spec[key] for key in TARGET_KEYS}
            found.setdefault(spec["target"], {})[repr(spec)] = spec
        return {encoding: list(specs.values()) for encoding, specs in found.items()}

    @property
    def cohorts(self) -> tuple[Cohort, ...]:
        """The cohorts of the study, of the default size."""
        return self.pack()

    def pack(self, cohort_size: int | str = "auto", device: str = "auto") -> tuple[Cohort, ...]:
        """The cohorts of the study; the arguments are those of `pack_networks`.

        Networks are packed sweep by sweep, each in the first sweep that lists it. Within a sweep
        they are packed seed by seed; only a random sample mixes seeds.

        Adding a sweep or a seed therefore leaves the other cohorts as they are. The exception is a
        later sweep that lists the same networks: adding or removing a sweep or a seed before it can
        regroup, and so retrain, its networks. Add sweeps at the end. A sweep with another axis or
        value, or with a larger sample, is packed anew.
        """
        networks = {network.id: network for network in self.networks}
        cohorts: list[Cohort] = []
        for name, members in self.sweeps.items():
            new = [networks.pop(member) for member in members if member in networks]
            cohorts.extend(pack_networks(new, cohort_size, device, mix_seeds=name in self.sampled))
        return tuple(cohorts)


def study_names() -> tuple[str, ...]:
    """Names of the studies that come with the project."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def load_study(path: str | Path, progress: bool = False) -> Study:
    """Load a study: from the YAML file at `path`, or by name if it comes with the project.

    >>> import nofreelunch as nfl
    >>> study = nfl.load_study("smoke")
    >>> list(study.sweeps)
    ['encodings', 'widths', 'cells', 'diverging', 'realistic']
    >>> study.networks[0].label
    'cartesian rnn relu 16 seed 0'

    With `progress`, a bar counts the sweeps where the output is a terminal. Raises `StudyError`,
    with one line, for a file that is missing or holds what is not allowed.
    """
    path = study_file(path)
    rules = load_schema("study")
    values = read_yaml(path, StudyError)
    if "models" in values and "sweeps" not in values:
        allowed = "sweeps; only the workflow runs a study of published models"
        raise refused(f"{path}: models", shown(values["models"]), allowed, StudyError)
    values = check_values(values, rules, path, error=StudyError)
    values = filled(values, rules)
    trajectories = values["trajectories"]
    if trajectories["evaluation"]["seed"] == trajectories["training"]["seed"]:
        allowed = "another seed than trajectories.training.seed, or evaluation sees training data"
        seed = trajectories["evaluation"]["seed"]
        raise refused(f"{path}: trajectories.evaluation.seed", shown(seed), allowed, StudyError)

    if (arena := values["defaults"]["arena"]) is not None:
        allowed = "trajectories.arena, the side of all arenas but those that a sweep names"
        raise refused(f"{path}: defaults.arena", shown(arena), allowed, StudyError)
    if values["defaults"]["periodic"]:
        allowed = "false: only a sweep is in a periodic arena"
        raise refused(f"{path}: defaults.periodic", "true", allowed, StudyError)
    if (centres := values["defaults"]["place_cell_centres"]) != "random":
        allowed = "random: only a sweep has place cells on a raster"
        raise refused(f"{path}: defaults.place_cell_centres", shown(centres), allowed, StudyError)
    planner = _Planner(path, values["defaults"], trajectories["arena"])
    sweep_rules = rules["properties"]["sweeps"]["additionalProperties"]
    sweeps = {
        name: planner.sweep(name, filled(sweep, sweep_rules))
        for name, sweep in tqdm(
            values["sweeps"].items(), "planning", unit="sweep", disable=not progress or None
        )
    }
    networks = tuple({n.id: n for sweep in sweeps.values() for n in sweep}.values())
    walks, batch = trajectories["training"]["count"], max(n["batch_size"] for n in networks)
    if walks < batch:
        allowed = f"at least {batch}, the largest batch_size of the study"
        raise refused(f"{path}: trajectories.training.count", shown(walks), allowed, StudyError)
    return Study(
        name=path.stem,
        networks=networks,
        sweeps={name: tuple(n.id for n in sweep) for name, sweep in sweeps.items()},
        sampled=frozenset(name for name, sweep in values["sweeps"].items() if "sample" in sweep),
        defaults=canonical(values["defaults"]),
        trajectories=trajectories,
    )


def canonical(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The spec in the one form in which equal networks are equal.

    Keys that its target or its cell does not use are None, `encoder_scale` is a number, and loss
    steps that are all time steps are "all". A network without an arena of its own has no such key,
    one whose arena has walls has no key `periodic`, and one whose place cells lie at random has no
    key `place_cell_centres`.
    """
    unused = facts_of(spec["target"]).unused
    result = {key: None if key in unused else value for key, value in spec.items()}
    if result.get("arena") is None:
        result.pop("arena", None)
    if not result.get("periodic"):
        result.pop("periodic", None)
    if result.get("place_cell_centres") == "random":
        result.pop("place_cell_centres")
    if result["encoder_scale"] == "place_cells":
        result["encoder_scale"] = float(result["place_cells"] or facts_of(spec["target"]).cells)
    if not cells()[spec["cell"]].recurrent:
        result["encoder_scale"] = None  # there is no start to encode
    if loss_steps.sees_all(result):
        result["loss_steps"] = "all"
    return result


def study_file(path: str | Path) -> Path:
    """The file of a study, given its path, or its name if it comes with the project.

    Raises `StudyError` for a file that does not exist, has a name that cannot name a folder, or
    would share the results folder of a study that comes with the project.
    """
    if str(path) in study_names():
        return FOLDER / f"{path}.yaml"
    file = Path(path).expanduser()
    if not file.is_file():
        hint = suggestion(path, study_names())
        found = f"{shown(str(path))}, which is no file in {Path.cwd()}"
        allowed = f"{', '.join(study_names())}, or the path of an existing YAML file{hint}"
        raise refused("config: study", found, allowed, StudyError)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", file.stem):
        allowed = "letters, digits, - and _, because it names the results folder"
        raise refused(f"{file}: file name", shown(file.stem), allowed, StudyError)
    if file.stem in study_names() and file.resolve().parent != FOLDER.resolve():
        allowed = (
            f"another name than {', '.join(study_names())}, whose results folder it would share"
        )
        raise refused(f"{file}: file name", shown(file.stem), allowed, StudyError)
    return file


def alternatives(value: Any) -> list[Any]:
    """The values that one entry of a sweep stands for; a list is an axis, at any depth."""
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
    """The indices below `count` in random order, drawn one at a time (Fisher-Yates shuffle)."""
    rng = seeds.generator(seed, seeds.SAMPLES)
    moved: dict[int, int] = {}
    for left in range(count, 0, -1):
        pick = int(rng.integers(left))
        yield moved.get(pick, pick)
        moved[pick] = moved.pop(left - 1, left - 1)


class _Planner:
    """Turns the sweeps of one study file into networks."""

    def __init__(self, path: Path, defaults: dict[str, Any], arena: float):
        self.path, self.defaults, self.arena = path, defaults, arena
        self.rules = load_schema("study")["properties"]["defaults"]["properties"]
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
                raise self._refused(
                    place, value, "at least one value: the sweep crosses to no network"
                )
        total = math.prod(map(len, axes.values()))
        sample = sweep.get("sample")
        wanted = sample["count"] if sample else total
        if wanted > MOST_NETWORKS:
            allowed = f"at most {MOST_NETWORKS} networks in one sweep; sample draws some of them"
            raise self._refused(where, wanted, allowed)

        networks: dict[str, Network] = {}
        for index in _shuffled(total, sample["seed"]) if sample else range(total):
            if len(networks) == wanted:
                break
            network = Network(self._network(where, self.defaults | _combination(axes, index)))
            networks.setdefault(network.id, network)
        if sample and len(networks) < wanted:
            allowed = f"at most {len(networks)}, the distinct networks of the crossed space"
            raise self._refused(f"{where}.sample.count", wanted, allowed)
        return list(networks.values())

    def _value(self, where: str, key: str, value: Any) -> Any:
        rules = self.rules[key]
        value = check_values(value, rules, self.path, where, StudyError)
        inner = [value, *(value.values() if isinstance(value, Mapping) else ())]
        for bounds in [item["uniform"] for item in inner if _is_uniform(item)]:
            if not bounds[0] < bounds[1]:
                raise self._refused(where, value, "uniform: [low, high] with low < high")
        return filled(value, rules)

    def _network(self, where: str, spec: Mapping[str, Any]) -> dict[str, Any]:
        arena, width = spec["arena"] or self.arena, spec["place_cell_width"]
        if (width["uniform"][1] if _is_uniform(width) else width) >= arena:
            allowed = f"a width (m) > 0 and < {arena}, the side of the arena"
            raise self._refused(f"{where}.place_cell_width", width, allowed)
        unused = facts_of(spec["target"]).unused
        if spec["periodic"] and ("place_cell_width" in unused or spec["fields_per_cell"] != 1):
            allowed = "false but for targets of place cells with one field each"
            raise self._refused(f"{where}.periodic", spec["periodic"], allowed)
        if spec["periodic"] and not cells()[spec["cell"]].recurrent:
            allowed = f"false for the cell {spec['cell']}, which is told positions"
            raise self._refused(f"{where}.periodic", spec["periodic"], allowed)
        if spec["place_cell_centres"] == "raster":
            self._raster(where, spec)
        if facts_of(spec["target"]).even_cells and spec["place_cells"] % 2:
            allowed = f"an even number for {spec['target']}: half for distance, half for angle"
            raise self._refused(f"{where}.place_cells", spec["place_cells"], allowed)
        if spec["loss_steps"] != "all" and spec["loss_steps"] > spec["sequence_length"]:
            allowed = f"all, or at most {spec['sequence_length']}, the sequence_length"
            raise self._refused(f"{where}.loss_steps", spec["loss_steps"], allowed)
        if spec["dropout"]["recurrent"] and not cells()[spec["cell"]].recurrent:
            allowed = f"0 for the cell {spec['cell']}, which has no recurrence"
            raise self._refused(f"{where}.dropout.recurrent", spec["dropout"]["recurrent"], allowed)
        return canonical({**spec, "arena": None if arena == self.arena else arena})

    def _raster(self, where: str, spec: Mapping[str, Any]) -> None:
        allowed = "random but for targets of place cells with one field each"
        if "place_cell_width" in facts_of(spec["target"]).unused or spec["fields_per_cell"] != 1:
            raise self._refused(f"{where}.place_cell_centres", spec["place_cell_centres"], allowed)
        if math.isqrt(spec["place_cells"]) ** 2 != spec["place_cells"]:
            allowed = "a square number of place cells on a raster"
            raise self._refused(f"{where}.place_cells", spec["place_cells"], allowed)

    def _refused(self, where: str, value: Any, allowed: str) -> ValueError:
        return refused(f"{self.path}: {where}", shown(value), allowed, StudyError)


def _is_uniform(value: Any) -> bool:
    return isinstance(value, Mapping) and "uniform" in value


def _combination(axes: dict[str, list[Any]], index: int) -> dict[str, Any]:
    """Element `index` of the cross product of the axes; the last axis varies fastest."""
    chosen: dict[str, Any] = {}
    for key in reversed(axes):
        index, position = divmod(index, len(axes[key]))
        chosen[key] = axes[key][position]
    return chosen
