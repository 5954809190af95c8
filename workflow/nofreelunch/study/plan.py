"""The plan of a study: what the workflow's rules need to know about it, kept in a file.

A scheduler's job reads the workflow again; with the plan from the file it starts quickly.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nofreelunch.networks.cohorts import Cohort, Network
from nofreelunch.study import published_models
from nofreelunch.study import sweeps as studies
from nofreelunch.study.schema import FOLDER, PACKAGE, filled, load_schema
from nofreelunch.study.sweeps import Study
from nofreelunch.task.arena import bin_count

# All files that may change a plan.
SOURCES = (*PACKAGE.rglob("*.py"), *FOLDER.glob("*.yaml"), *published_models.FOLDER.glob("*.yaml"))


class Cohorts(Mapping[str, Cohort]):
    """Cohorts by name, each made from plain JSON types when it is first asked for.

    A scheduler's job asks for one cohort, so its start does not take longer in a larger study.
    """

    def __init__(self, networks: Mapping[str, list[dict[str, Any]]]) -> None:
        self.networks = networks
        self.made: dict[str, Cohort] = {}

    def __getitem__(self, name: str) -> Cohort:
        if name not in self.made:
            parts = {"name": name, "networks": self.networks[name]}
            self.made[name] = Cohort.from_dict(parts)
        return self.made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.networks)

    def __len__(self) -> int:
        return len(self.networks)


@dataclass(frozen=True)
class Plan:
    """A study with its networks in cohorts.

    `cohorts` has every cohort by name, and `targets` the distinct targets of each encoding.
    `models` has the published models of a study that lists such models in place of sweeps, as
    `load_models` returns them. The other attributes are those of `Study`.
    """

    name: str
    defaults: Mapping[str, Any]
    trajectories: Mapping[str, Any]
    sweeps: Mapping[str, tuple[str, ...]]
    targets: Mapping[str, list[dict[str, Any]]]
    cohorts: Mapping[str, Cohort]
    models: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reference(self) -> dict[str, list[str]]:
        """Cohort -> ids of its networks that have the study's defaults, whatever their seed."""
        found: dict[str, list[str]] = {}
        for name, cohort in self.cohorts.items():
            for network in cohort.networks:
                if {**network.spec, "seed": None} == {**self.defaults, "seed": None}:
                    found.setdefault(name, []).append(network.id)
        return found

    @property
    def arenas(self) -> list[float]:
        """Sides (m) of all arenas; the first is that of networks without one of their own."""
        own = {network.spec["arena"] for network in self.networks if "arena" in network.spec}
        return [self.trajectories["arena"], *sorted(own)]

    @property
    def networks(self) -> list[Network]:
        """Every network of the study once, cohort by cohort."""
        return [network for cohort in self.cohorts.values() for network in cohort.networks]


def planned(
    config: Mapping[str, Any], folder: str | Path, kept: bool, progress: bool = False
) -> tuple[Plan, Path]:
    """The plan of the study that the settings name, and the file in `folder` that keeps it.

    Args:
        config: checked settings.
        folder: where plans are kept.
        kept: whether to take the plan from its file, if that is there.
        progress: as for `load_study`.

    Raises:
        ValueError: one line, for a study that cannot be planned, or where bins do not fill its
            arena.
    """
    compute = config["compute"]
    packing = compute["cohort_size"], compute["device"]
    path = plan_file(folder, config["study"], *packing, config["budget"])
    plan = load_plan(path) if kept else None
    source = studies.study_file(config["study"])
    if plan is None and published_models.lists_models(source):
        plan = plan_of_models(source, config["budget"])
    elif plan is None:
        plan = make_plan(studies.load_study(config["study"], progress), *packing)
        for arena in plan.arenas:
            bin_count(arena, config["rate_maps"]["bin_size"])
    return plan, path


def make_plan(study: Study, cohort_size: int | str, device: str) -> Plan:
    """The plan of a study that `load_study` returned."""
    cohorts = {cohort.name: cohort for cohort in study.pack(cohort_size, device)}
    parts = study.name, study.defaults, study.trajectories, study.sweeps, study.targets
    return Plan(*parts, cohorts)


def plan_of_models(source: Path, budget: str) -> Plan:
    """The plan of a study of published models. Raises `StudyError` as `load_models` does."""
    rules = load_schema("study")["properties"]["trajectories"]
    models = published_models.load_models(source, budget)
    return Plan(source.stem, {}, filled({}, rules), {}, {}, {}, models)


def plan_file(
    folder: str | Path,
    study: str | Path,
    cohort_size: int | str,
    device: str,
    budget: str = "minutes",
) -> Path:
    """The file in `folder` that keeps the plan of a study.

    Its name changes with the study, the code and the settings, so an outdated plan is never used.
    Raises `StudyError` for a study that does not exist.
    """
    source = studies.study_file(study)
    content = hashlib.sha256(f"{cohort_size} {device} {budget}".encode())
    for file in (source, *sorted(SOURCES)):
        content.update(file.read_bytes())
    return Path(folder) / f"{source.stem}-{content.hexdigest()[:16]}.json"


def save_plan(plan: Plan, path: Path) -> None:
    """Write a plan and remove earlier ones of the study; a disk that refuses it is no error."""
    networks = {name: [dict(n.spec) for n in c.networks] for name, c in plan.cohorts.items()}
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps({**vars(plan), "cohorts": networks}))
        for earlier in path.parent.glob(f"{plan.name}-{'[0-9a-f]' * 16}.json"):
            earlier.unlink(missing_ok=True)
        os.replace(part, path)


def load_plan(path: Path) -> Plan | None:
    """The plan in a file; None if there is none or it cannot be read."""
    try:
        values = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    # Tuples as in a plan that was made: Snakemake takes a list for another value of a parameter.
    sweeps = {name: tuple(ids) for name, ids in values["sweeps"].items()}
    return Plan(**values | {"sweeps": sweeps, "cohorts": Cohorts(values["cohorts"])})
