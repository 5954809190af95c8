"""What a SLURM cluster has, and what the jobs of a run ask it for in vain.

`sbatch` refuses an impossible job in words that name no setting, or lets it wait for ever. So a run
asks the cluster once, before its first job.
"""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from glob import glob

# Of NVIDIA, of AMD, and of Linux on Windows.
GPU_DRIVERS = ("/proc/driver/nvidia/gpus/*", "/dev/kfd", "/dev/dxg")
SECONDS_TO_ANSWER = 10
OTHER_CLUSTER = ("slurm_cluster", "cluster", "clusters")  # resources that name one


@dataclass(frozen=True)
class Partition:
    """A partition: its time limit in minutes, and its GPUs: model (or "") -> most on one node."""

    name: str
    default: bool
    minutes: float
    gpus: Mapping[str, int]


@dataclass(frozen=True)
class Asked:
    """What the jobs of a rule ask for.

    `partition` is a name, or several that are joined by commas, of which SLURM takes the one that
    can start a job first. An empty one is the cluster's default. It is None where this machine's
    cluster does not decide (`partition_asked`).
    """

    rule: str
    partition: str | None
    minutes: int
    gpus: int
    model: str = ""


def partition_asked(resources: Mapping[str, object], chosen_by_file: bool) -> str | None:
    """The `partition` of `Asked` for a job's resources.

    None for a job that goes to another cluster, and where the executor chooses a partition by its
    own file of partitions (`chosen_by_file`).
    """
    partition = str(resources.get("slurm_partition") or "")
    if any(resources.get(key) for key in OTHER_CLUSTER) or (chosen_by_file and not partition):
        return None
    return partition


def say(command: Sequence[str], seconds: float | None = None) -> str | None:
    """What a command prints; None if there is no such command, or no answer in time."""
    try:
        seconds = seconds or SECONDS_TO_ANSWER
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def has_gpu_driver() -> bool:
    """Whether this machine may have a GPU that torch sees. Being sure takes torch, and seconds."""
    return any(glob(pattern) for pattern in GPU_DRIVERS)


@cache
def cluster_partitions() -> dict[str, Partition] | None:
    """The partitions of this machine's cluster, hidden ones too; None if no cluster answers."""
    said = say(["sinfo", "--all", "--noheader", "--Node", "--format=%P|%l|%G"])
    return None if said is None else partitions(said)


def partitions(said: str) -> dict[str, Partition]:
    """Name -> partition, from the lines of `sinfo --all --noheader --Node --format=%P|%l|%G`."""
    found: dict[str, Partition] = {}
    for line in said.split():
        label, limit, resources = line.split("|")
        name = label.rstrip("*")
        most = dict(found[name].gpus) if name in found else {}
        for model, count in gpus(resources):
            most[model] = max(count, most.get(model, 0))
        found[name] = Partition(name, label.endswith("*"), _minutes(limit), most)
    return found


def gpus(resources: str) -> list[tuple[str, int]]:
    """(model, count) of "gpu:2", "gpu:a100:4(S:0-1),tmpdisk:9" or "(null)"."""
    words = re.sub(r"\([^)]*\)", "", resources).split(",")
    found = []
    for word in words:
        kind, *rest = word.split(":")
        if kind == "gpu":
            count = int(rest.pop()) if rest and rest[-1].isdigit() else 1
            found.append(("".join(rest), count))
    return found


def gpus_of_options(options: str) -> int:
    """GPUs that options of `sbatch` ask for, such as "--gpus-per-node=a100:2" or "-G 1"."""
    asked = re.findall(
        r"(?<![\w-])(?:--gpus(?:-per-(?:node|task|socket))?[= ]|-G ?)'?\"?([\w.:]+)", options
    )
    last = [word.split(":")[-1] for word in asked]
    return sum(int(word) if word.isdigit() else 1 for word in last)


def time_limit(found: Mapping[str, Partition], name: str | None) -> float:
    """Longest time limit of the partitions in `name`, minutes; infinite if none is known.

    `name` is as in `Asked`.
    """
    limits = [] if name is None else [here.minutes for here in _named(found, name)[0]]
    return max(limits, default=float("inf"))


def refusals(found: Mapping[str, Partition], asked: Iterable[Asked], profile: str) -> list[str]:
    """A line for each thing asked for in vain: setting of the profile, found, allowed."""
    lines, lost = [], defaultdict(list)
    for wish in asked:
        if wish.partition is None:
            continue
        there, missing = _named(found, wish.partition)
        for name in missing:
            lost[name].append(wish.rule)
        # A job may wait in several partitions, of which one has to suffice.
        beyond = [] if missing else min((_beyond(p, wish, found) for p in there), key=len)
        lines += [f"{profile}: set-resources: {wish.rule}: {text}" for text in beyond]
    for name, rules in lost.items():
        where = f"set-resources: {rules[0]}" if len(rules) == 1 else "default-resources"
        what = f"found {name!r}" if name else "not set, and the cluster has no default partition"
        allowed = ", ".join(found)
        lines.append(f"{profile}: {where}: slurm_partition: {what}; allowed: {allowed}")
    return lines


def survivors(said: str, folder: str, names: Iterable[str]) -> list[str]:
    """Ids of the jobs at work in `folder` on what a run is about to make.

    Args:
        said: the lines of `squeue --noheader --format=%i|%k|%Z`.
        folder: the run's working directory.
        names: comments of the jobs that the run is about to submit.
    """
    jobs = [line.split("|") for line in said.splitlines() if line.count("|") == 2]
    wanted = set(names)
    return [number for number, comment, where in jobs if where == folder and comment in wanted]


def _beyond(here: Partition, wish: Asked, found: Mapping[str, Partition]) -> list[str]:
    """What a job asks for that its partition cannot give."""
    lines = []
    most = max(here.gpus.values(), default=0)
    if wish.model and wish.gpus and wish.model not in here.gpus:
        models = ", ".join(filter(None, here.gpus)) or "no model by name"
        lines.append(
            f"gpu_model: found {wish.model!r}; allowed: {models}, in partition {here.name!r}"
        )
    elif wish.gpus > most:
        others = [p.name for p in found.values() if max(p.gpus.values(), default=0) >= wish.gpus]
        elsewhere = f", or slurm_partition: {' or '.join(others)}" if others else ""
        lines.append(
            f"gpu: found {wish.gpus}; allowed: at most {most}, which the nodes of partition "
            f"{here.name!r} have{elsewhere}"
        )
    if wish.minutes > here.minutes:
        lines.append(
            f"runtime: found {wish.minutes} minutes; allowed: at most {here.minutes:.0f}, the "
            f"limit of partition {here.name!r}"
        )
    return lines


def _named(found: Mapping[str, Partition], name: str) -> tuple[list[Partition], list[str]]:
    """The partitions that `name` means, as in `Asked`, and those of its names that are unknown."""
    if not name:
        default = [partition for partition in found.values() if partition.default]
        return default, [] if default else [""]
    names = [one.strip() for one in name.split(",")]
    return [found[one] for one in names if one in found], [x for x in names if x not in found]


def _minutes(limit: str) -> float:
    """Minutes of "infinite", "30:00", "1:00:00" or "7-00:00:00"."""
    if not limit[0].isdigit():
        return float("inf")
    days, _, rest = limit.rpartition("-")
    clock = [int(number) for number in rest.split(":")]
    hours, minutes = ([0] * (3 - len(clock)) + clock)[:2]
    return 1440 * int(days or 0) + 60 * hours + minutes
