"""Packing networks into cohorts: which networks one job trains side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from nofreelunch.networks.cohorts import SPACE_KEYS, Cohort, Network, digest
from nofreelunch.study.costs import outputs, share_of_sizes, sizes, training_memory

# Networks of one cohort agree in these keys, which set the shapes of weights, the graph of a
# training step, and most of its cost.
STACK_KEYS = ("target", "cell", "activation", "units", "loss_steps")
GPU_UNITS = 1024  # networks this large are assumed to train on a GPU, unless a CPU is asked for
MOST_STACKED = 64  # networks of a cohort on a GPU
MOST_MEMORY = 32e9  # bytes of a cohort on a GPU
LEAST_USEFUL = 0.33  # least share of a cohort's arithmetic that is not padding


def pack_networks(
    networks: Sequence[Network],
    cohort_size: int | str = "auto",
    device: str = "auto",
    mix_seeds: bool = False,
) -> tuple[Cohort, ...]:
    """Pack networks into cohorts, whose names depend on their networks alone.

    A cohort holds networks of equal tensor shapes and similar size. It ends when it is full, or
    when the next network would make too much of its arithmetic padding.

    Args:
        networks: the networks to pack.
        cohort_size: largest number of networks in a cohort, or "auto".
        device: "cpu", "cuda" or "auto"; with the networks' size, it decides an "auto" cohort size.
        mix_seeds: whether a cohort may hold networks of different seeds.
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
    # Cells with several fields make another graph; all else about a target is only numbers.
    several_fields = isinstance(spec["fields_per_cell"], Mapping)
    space = (spec.get(key) for key in SPACE_KEYS)
    return (*(spec[key] for key in STACK_KEYS), several_fields, *space)


def _auto_size(group: Sequence[Network], device: str) -> int:
    # Only many networks fill a GPU. On a CPU, small networks train faster in a stack, and fewer
    # jobs have to start. Large networks gain little, and lose as fewer jobs run side by side.
    specs = [network.spec for network in group]
    if device == "cuda" or (device == "auto" and specs[0]["units"] >= GPU_UNITS):
        fitting = int(MOST_MEMORY * len(specs) / training_memory(specs))
        return max(1, min(MOST_STACKED, fitting))
    weights = specs[0]["units"] * max(specs[0]["units"], *map(outputs, specs))
    if weights > 2**15:
        return 1
    return 4 if weights > 2**11 else 16
