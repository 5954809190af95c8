"""Splitting a cohort that does not fit the device: into halves, and these into halves again."""

from __future__ import annotations

from collections.abc import Iterator

from nofreelunch.networks.cohorts import digest


def in_one_stack(specs, checkpoints, fit: bool) -> bool:
    """Whether to train networks side by side: as an earlier run did, otherwise where they `fit`."""
    if len(specs) == 1 or (checkpoints and checkpoints.path(group(specs)).exists()):
        return True
    return fit and not (checkpoints and _begun_in_parts(specs, checkpoints))


def _begun_in_parts(specs, checkpoints) -> bool:
    """Whether an earlier run saved a checkpoint of some part of these networks."""
    return len(specs) > 1 and any(
        checkpoints.path(group(half)).exists() or _begun_in_parts(half, checkpoints)
        for half in halves(specs)
    )


def halves(specs):
    """The first and the second half of a sequence of specs."""
    return specs[: len(specs) // 2], specs[len(specs) // 2 :]


def groups(specs) -> Iterator[str]:
    """Names of all stacks that may train these networks: the whole, its halves, theirs, ..."""
    yield group(specs)
    if len(specs) > 1:
        for half in halves(specs):
            yield from groups(half)


def group(specs) -> str:
    """Name of a stack of networks, for the names of its checkpoints."""
    return digest([dict(spec) for spec in specs], 10)
