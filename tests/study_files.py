"""Studies for tests: written as files, from a mapping or as text, and loaded."""

import json
from collections.abc import Callable
from pathlib import Path

from nofreelunch.study import sweeps
from nofreelunch.study.sweeps import Study

REFERENCE = {"place_cells": 32, "units": 16, "steps": 30}


def loader(folder: Path) -> Callable[..., Study]:
    """A function that writes a study file to the folder, and loads it."""

    def write(content: dict | str, name: str = "mine.yaml") -> Study:
        path = folder / name
        # JSON is YAML, and unlike a YAML dump keeps the order of keys.
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return sweeps.load_study(path)

    return write


def sweep(**axes) -> dict:
    return study_of({"one": axes})


def study_of(sweeps: dict) -> dict:
    return {"defaults": REFERENCE, "sweeps": sweeps}
