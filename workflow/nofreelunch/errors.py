"""Refusing an input in one line: where it is, what was found and what is allowed.

>>> print(refused("steps", "0", "a whole number >= 1"))
steps: found 0; allowed: a whole number >= 1
"""

import difflib
from collections.abc import Iterable
from numbers import Integral
from typing import Any


class InvalidFile(ValueError):
    """A file that holds what is not allowed. The message is one line: file, key, found, allowed."""


class MissingLibrary(ValueError):
    """A library that only some users need is not installed. The message says what to install."""


class DatasetError(ValueError):
    """A dataset that is missing, is damaged, has another layout, or could not be written."""


def refused(
    where: Any, found: str, allowed: str, kind: type[ValueError] = ValueError
) -> ValueError:
    """An error with the standard one-line message, for the caller to raise.

    Args:
        where: file, key or argument, such as "config.yaml: study" or "rate_maps".
        found: what is there, in words or as text from `shown`.
        allowed: what may be there instead.
        kind: class of the error.
    """
    return kind(f"{where}: found {found}; allowed: {allowed}")


def shown(value: Any) -> str:
    """A value as text for a message: one line of at most 80 characters."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else text[:77] + "..."


def suggestion(value: Any, options: Iterable[Any]) -> str:
    """The hint " (did you mean ...?)" for the option closest to `value`; empty if none is close."""
    close = difflib.get_close_matches(str(value).lower(), [str(option) for option in options], 1)
    return f" (did you mean {close[0]}?)" if close else ""


def check_choice(where: str, found: Any, allowed: Iterable[str]) -> None:
    """Raise ValueError unless `found` is one of `allowed`."""
    options = tuple(allowed)
    if found not in options:
        hint = suggestion(found, options)
        raise refused(where, shown(found), f"{', '.join(options)}{hint}")


def check_whole(name: str, found: object, least: int) -> None:
    """Raise ValueError unless the argument `name` is a whole number of at least `least`."""
    if not isinstance(found, Integral) or found < least:
        raise refused(name, shown(found), f"a whole number >= {least}")
