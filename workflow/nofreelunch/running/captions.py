"""Captions and titles of the report's figures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2


def read_captions(
    path: str | Path, figures: Mapping[str, Any], config: Mapping[str, Any]
) -> dict[str, str]:
    """The captions of the report by name of a figure.

    Args:
        path: the report's file of captions, a template that reads `snakemake`.
        figures: names of figures.
        config: the settings of the workflow.
    """
    template = jinja2.Template(
        Path(path).read_text(encoding="utf-8"), undefined=jinja2.StrictUndefined
    )
    job = {name: SimpleNamespace(config=config, wildcards={"figure": name}) for name in figures}
    return {name: template.render(snakemake=given).strip() for name, given in job.items()}


def labels(captions: Mapping[str, str], figure: str) -> dict[str, str]:
    """What the report's menu says of a figure: its place in the story, and what it shows.

    The menu is sorted by the place. What it shows is the bold text that its caption begins with.
    """
    found = re.match(r"\*\*(.+?)\.?\*\*", captions[figure])
    title = found[1] if found else figure
    return {"part": f"{[*captions].index(figure) + 1:02}", "what it shows": title}
