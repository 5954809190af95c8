"""Loss steps: the time steps of a trajectory at which a training step computes the loss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from nofreelunch.errors import refused

ALWAYS = 2  # first time steps, which a loss of more steps always sees
FEWEST = ALWAYS + 1  # with fewer loss steps, the first time steps are rarely seen


def stands_for(sequence_length: int, loss_steps: int | str) -> np.ndarray:
    """Lengths of the stretches of a sequence of which each training step sees one time step.

    >>> stands_for(20, 4)
    array([1, 1, 9, 9])

    The loss of the time step that is drawn from a stretch counts as often as the stretch is long.
    The gradient is therefore that of all time steps, on average over draws.

    The first two time steps are stretches of their own. A network's state decays from the code of
    its start, so the first steps are learnt first, and later steps learn from them. One or two loss
    steps are drawn from equal stretches of the whole sequence.

    Raises ValueError for a number that is not between 1 and `sequence_length`.
    """
    if loss_steps == "all":
        return np.ones(sequence_length, dtype=int)
    wanted = int(loss_steps)
    if not 1 <= wanted <= sequence_length:
        allowed = f"all, or 1 to {sequence_length}, the sequence_length"
        raise refused("loss_steps", f"{loss_steps}", allowed)
    always = ALWAYS if wanted >= FEWEST else 0
    drawn = np.array_split(np.arange(always, sequence_length), wanted - always)
    return np.array([1] * always + [len(stretch) for stretch in drawn])


def sees_all(spec: Mapping[str, Any]) -> bool:
    """Whether a network's loss is computed at all time steps."""
    return spec["loss_steps"] in ("all", spec["sequence_length"])


def count(spec: Mapping[str, Any]) -> int:
    """Number of time steps at which a network's loss is computed."""
    return spec["sequence_length"] if spec["loss_steps"] == "all" else spec["loss_steps"]


def warnings(networks: Iterable[Mapping[str, Any]]) -> list[str]:
    """A line if some networks have so few loss steps that they may never learn."""
    few = sum(count(network) < FEWEST and not sees_all(network) for network in networks)
    if not few:
        return []
    some = f"{few} network{'s have' if few > 1 else ' has'}"
    return [
        f"loss_steps: {some} fewer than {FEWEST}: the first time steps, from which later ones "
        "learn, are then rarely seen, and training may never leave the loss that it starts at"
    ]
