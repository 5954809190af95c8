"""The plan of a study: what the rules of the workflow need of it, and that on disk.

A scheduler's job reads the workflow again. It finds the plan that the first process made, and only
its own cohort becomes networks, so that a job's start does not grow with the study.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nofreelunch import study as studies
from nofreelunch.cohorts import Cohort
from nofreelunch.study import Study

PACKAGE = Path(__file__).parent
SOURCES = (*PACKAGE.glob("*.py"), *PACKAGE.parent.glob("schemas/*"))  # what a plan depends on


class Cohorts(Mapping[str, Cohort]):
    """Cohorts by name, each made of plain JSON types when it is first asked for."""

    def __init__(self, networks: Mapping[str, list[dict[str, Any]]]) -> None:
        self.networks, self.made = networks, {}

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
    """A study in cohorts.

    `targets` holds the distinct targets of each encoding; the rest are attributes of `Study`.
    """

    name: str
    defaults: Mapping[str, Any]
    trajectories: Mapping[str, Any]
    sweeps: Mapping[str, tuple[str, ...]]
    targets: Mapping[str, list[dict[str, Any]]]
    cohorts: Mapping[str, Cohort]


def make(study: Study, cohort_size: int | str, device: str) -> Plan:
    """The plan of a study that is loaded."""
    cohorts = {cohort.name: cohort for cohort in study.pack(cohort_size, device)}
    parts = study.name, study.defaults, study.trajectories, study.sweeps, study.targets
    return Plan(*parts, cohorts)


def path(folder: str | Path, study: str | Path, cohort_size: int | str, device: str) -> Path:
    """Where in `folder` the plan of a study is kept; another study, code or setting names another.

    Raises `StudyError` for a study that is not there.
    """
    source = studies.resolve(study)
    content = hashlib.sha256(f"{cohort_size} {device}".encode())
    for file in (source, *sorted(SOURCES)):
        content.update(file.read_bytes())
    return Path(folder) / f"{source.stem}-{content.hexdigest()[:16]}.json"


def save(plan: Plan, path: Path) -> None:
    """Write a plan in place of the study's earlier ones, where the disk takes it."""
    networks = {name: [dict(n.spec) for n in c.networks] for name, c in plan.cohorts.items()}
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps({**vars(plan), "cohorts": networks}))
        for earlier in path.parent.glob(f"{plan.name}-{'[0-9a-f]' * 16}.json"):
            earlier.unlink(missing_ok=True)
        os.replace(part, path)


def load(path: Path) -> Plan | None:
    """The plan in a file; None where there is none."""
    try:
        values = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return Plan(**values | {"cohorts": Cohorts(values["cohorts"])})
