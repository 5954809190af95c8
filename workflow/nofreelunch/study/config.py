"""Reading config.yaml: its settings are checked, and completed with defaults."""

import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from nofreelunch.errors import InvalidFile, refused, shown
from nofreelunch.study.schema import check_values, filled, load_schema, read_yaml

NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")


class ConfigError(InvalidFile):
    """A setting that is not allowed. The message is one line: file, key, found, allowed."""


def read_config(path: str | Path) -> dict[str, Any]:
    """The settings in the YAML file at `path`, checked and complete. Raises `ConfigError`."""
    return check_config(read_yaml(Path(path), ConfigError), path)


def check_config(settings: Mapping[str, Any], source: str | Path = "config") -> dict[str, Any]:
    """A copy of the settings with a default for each absent key.

    Raises `ConfigError`, one line that names `source`, for a setting that is not allowed.
    """
    rules = load_schema("config")
    given = check_values(_numbers(settings), rules, source, error=ConfigError)
    complete: dict[str, Any] = filled(given, rules)
    scores = complete["thresholds"]["grid_score"]
    if any(low >= high for low, high in pairwise(scores)):
        where, allowed = f"{source}: thresholds.grid_score", "numbers in rising order"
        raise refused(where, shown(scores), allowed, ConfigError)
    compute = complete["compute"]
    if compute["device"] == "cpu" and compute["precision"] == "tf32":
        where = f"{source}: compute.precision"
        raise refused(where, "tf32", "float32, bfloat16, as compute.device is cpu", ConfigError)
    return complete


def _numbers(value: Any) -> Any:
    """The settings with numbers for numeric text: Snakemake's command line passes only text."""
    if isinstance(value, Mapping):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return yaml.safe_load(value) if isinstance(value, str) and NUMBER.fullmatch(value) else value
