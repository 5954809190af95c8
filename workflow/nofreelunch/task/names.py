"""What sentences and figures call a target: its label, and the same name abbreviated."""

import re
from collections.abc import Collection

from nofreelunch.task.catalogue import facts_of

EQUAL_AREA = re.compile("Equal-\n?area")  # in names of targets whose ratio studies can choose


def target_name(
    target: str, ratios: Collection[float | str | None] = (), short: bool = False
) -> str:
    """The name of `target`, with the amplitude ratio where a study can choose it.

    >>> target_name("difference_of_softmaxes", short=True)
    'DoS'
    >>> target_name("general_difference_of_gaussians")
    'Equal-area difference-of-Gaussians'
    >>> target_name("general_difference_of_gaussians", [3.0])
    'Ratio-3 difference-of-Gaussians'

    Args:
        target: as studies call it.
        ratios: the amplitude ratios of the networks that are named.
        short: whether figures use the name. Then it may have several lines.
    """
    facts = facts_of(target)
    name = facts.short if short else facts.label
    chosen = {ratio for ratio in ratios if ratio not in ("equal_area", None)}
    if facts.centre_surround != "amplitude_ratio" or not chosen:
        return name
    kind = f"Ratio-{chosen.pop():g}" if len({*ratios}) == 1 else "Mixed-ratio"
    return EQUAL_AREA.sub(kind, name)
