"""Captions of the report, for pages that Snakemake does not write."""

from __future__ import annotations

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
