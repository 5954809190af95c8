"""The settings of config.yaml, checked and complete."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from nofreelunch import schemas


class ConfigError(schemas.InvalidFile):
    """A setting that is not allowed. The message is one line: file, key, found, allowed."""


def read(path: str | Path) -> dict[str, Any]:
    """The checked settings in the YAML file at `path`. Raises `ConfigError`."""
    return check(schemas.read(Path(path), ConfigError), path)


def check(settings: Mapping[str, Any], source: str | Path = "config") -> dict[str, Any]:
    """A copy of the settings with a default for each absent key; `source` is named in errors.

    Raises `ConfigError`, with one line, for a setting that is not allowed.
    """
    rules = schemas.schema("config")
    settings = schemas.filled(schemas.check(settings, rules, source, error=ConfigError), rules)
    scores = settings["thresholds"]["grid_score"]
    if any(low >= high for low, high in pairwise(scores)):
        allowed = "numbers in rising order"
        schemas.refuse(source, "thresholds.grid_score", scores, allowed, ConfigError)
    return settings
