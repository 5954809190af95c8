"""The settings of config.yaml, checked and complete."""

import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from nofreelunch import schemas

NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")


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
    settings = _numbers(settings)
    settings = schemas.filled(schemas.check(settings, rules, source, error=ConfigError), rules)
    scores = settings["thresholds"]["grid_score"]
    if any(low >= high for low, high in pairwise(scores)):
        allowed = "numbers in rising order"
        schemas.refuse(source, "thresholds.grid_score", scores, allowed, ConfigError)
    compute = settings["compute"]
    if compute["device"] == "cpu" and compute["precision"] == "tf32":
        allowed = "float32, bfloat16, as compute.device is cpu"
        schemas.refuse(source, "compute.precision", "tf32", allowed, ConfigError)
    return settings


def _numbers(value: Any) -> Any:
    """The settings with text that is a number as one: Snakemake's command line gives only text."""
    if isinstance(value, Mapping):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return yaml.safe_load(value) if isinstance(value, str) and NUMBER.fullmatch(value) else value
