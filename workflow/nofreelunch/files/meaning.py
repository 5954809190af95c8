"""What one name in the project's files stands for."""

from __future__ import annotations

from typing import NamedTuple

DIVERGED = "the network diverged"


class Meaning(NamedTuple):
    """What a name stands for.

    Attributes:
        text: one phrase.
        units: of its numbers, by UDUNITS; "1" for pure numbers, "" for words.
        missing: when it is NaN or empty, and what else says so; empty where it always has a value.
    """

    text: str
    units: str = "1"
    missing: str = ""
