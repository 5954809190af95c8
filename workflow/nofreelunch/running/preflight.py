"""Checks before the first job: one line for each thing that the run would ask for in vain.

The functions take plain values. The rules translate Snakemake's objects into them.
"""

from __future__ import annotations

import os
import re
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from pathlib import Path

from nofreelunch.running import slurm
from nofreelunch.running.slurm import Asked

PROFILE = "profiles/slurm/config.yaml"
TRAINING = ("training", "published_training")  # rules that train
GPUS_OF_DEVICE = {"cpu": 0, "cuda": 1}  # GPUs that training must ask for; any number if auto
SECONDS_TO_CHOOSE = 60
LONGEST_NAME = 250  # bytes of a record's file name; Snakemake splits longer ones


def device_here(device: str, precision: str) -> tuple[str, str]:
    """Device that training here would use, "cpu" or "cuda", or why it cannot: (device, reason).

    Another process finds out, because that takes torch: seconds, and memory that this process would
    not give back.
    """
    command = [sys.executable, "-m", "nofreelunch.compute.devices", device, precision]
    said = (slurm.say(command, SECONDS_TO_CHOOSE) or "").strip()
    return (said, "") if said in ("cpu", "cuda") else ("", said)


def gpus_here(device: str) -> int:
    """Number of this machine's GPUs that a training job takes: 0 or 1."""
    if device == "cpu" or (device == "auto" and not slurm.has_gpu_driver()):
        return 0
    return int(device == "cuda" or device_here(device, "float32")[0] == "cuda")


def of_device(device: str, precision: str, trains_here: bool) -> list[str]:
    """A line if training on this machine would lack the device, or the device the precision."""
    if not trains_here or (device != "cuda" and precision == "float32"):
        return []
    return [reason for reason in [device_here(device, precision)[1]] if reason]


def of_interpreter(path: str) -> list[str]:
    """A line if a shell would not take the interpreter's path as one word.

    Snakemake 9 passes it to a shell without quotes, so that each job would end at once.
    """
    bad = re.search(r"[^\w./@%+=:,~-]", path)
    if not bad:
        return []
    return [
        f"{path}: found {bad[0]!r} in the path of Python, which Snakemake does not quote for the "
        "shell: move the environment"
    ]


def of_slurm(asked: Iterable[Asked], device: str) -> list[str]:
    """A line for each thing that jobs ask a cluster for in vain."""
    found = slurm.cluster_partitions()
    if found is None:
        return [
            f"sinfo: no answer in {slurm.SECONDS_TO_ANSWER} s: start a run through SLURM on a "
            "login node of its cluster, or again when the cluster answers"
        ]
    asked = list(asked)
    return [*contradictions(asked, device), *slurm.refusals(found, asked, PROFILE)]


def contradictions(asked: Iterable[Asked], device: str) -> list[str]:
    """A line if training asks for a GPU that it does not use, or for none although it needs one."""
    return [
        f"{PROFILE}: set-resources: {wish.rule}: gpu: found {wish.gpus}; allowed: "
        f"{GPUS_OF_DEVICE[device]}, as compute.device is {device}"
        for wish in asked
        if wish.rule in TRAINING and wish.gpus != GPUS_OF_DEVICE.get(device, wish.gpus)
    ]


def of_earlier_run(results: str, comments: Iterable[str]) -> list[str]:
    """A line if jobs of an earlier run, known by their comments, are still in the queue."""
    queue = slurm.say(["squeue", "--noheader", "--format=%i|%k|%Z"]) or ""
    left = " ".join(slurm.survivors(queue, os.getcwd(), comments))
    if not left:
        return []
    return [
        f"{results}: jobs of an earlier run are still at work on it: wait for them, or "
        f"`scancel {left}`, and run again"
    ]


def most_asked(
    jobs: Iterable[tuple[str, Mapping[str, object]]], chosen_by_file: bool = False
) -> list[Asked]:
    """What each rule asks a cluster for, by its longest job.

    `jobs` are pairs of a rule and its resources; `chosen_by_file` is as in `partition_asked`.
    """
    most: dict[str, Asked] = {}
    for rule, resources in jobs:
        model = str(resources.get("gpu_model") or "")
        gres = sum(count for _, count in slurm.gpus(str(resources.get("gres") or "")))
        gres += slurm.gpus_of_options(str(resources.get("slurm_extra") or ""))
        wish = Asked(
            rule,
            slurm.partition_asked(resources, chosen_by_file),
            _whole(resources.get("runtime")),
            _whole(resources.get("gpu")) or gres or int(model != ""),
            model,
        )
        most[rule] = max(most.get(rule, wish), wish, key=lambda one: one.minutes)
    return list(most.values())


def recorded(path: str | Path) -> bool:
    """Whether Snakemake, run in this folder, knows how a file was made.

    Snakemake 9 keeps one record per output below `.snakemake/metadata`, named by the path in base
    64. A file whose record would have too long a name counts as known.
    """
    name = urlsafe_b64encode(str(path).encode()).decode()
    return len(name) > LONGEST_NAME or Path(".snakemake", "metadata", name).exists()


def locked(results: str) -> bool:
    """Whether a run in this folder has locked the study `results`; other studies do not count."""
    locks = Path(".snakemake", "locks").glob("*.lock")
    return any(f"{results}/" in path.read_text(encoding="utf-8") for path in locks)


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0
