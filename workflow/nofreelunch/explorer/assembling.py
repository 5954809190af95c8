"""The page: its parts, the plotting library and the data, in one file that opens anywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

import matplotlib
import plotly.offline

from nofreelunch.explorer.blocks import SHADES, THOUSANDTHS, UNKNOWN, UNVISITED
from nofreelunch.explorer.columns import COLUMNS
from nofreelunch.figures import style
from nofreelunch.scoring.grid_scores import INNER_RADIUS
from nofreelunch.scoring.significance import LEVEL
from nofreelunch.scoring.surrogates import LABELS

SCRIPTS = ("maps.js", "choosing.js", "overview.js", "network.js", "unit.js", "explorer.js")


def to_html(data: Mapping[str, Any], blocks: Mapping[str, str]) -> str:
    """The page as text.

    Args:
        data: what `collect_study` or `collect_maps` returns first.
        blocks: what they return second: id of a network -> its units, by `pack_units`.
    """
    shown = {
        **data,
        "columns": [column._asdict() for column in COLUMNS],
        "kinds": list(LABELS.values()),
        "kind_names": list(LABELS),
        "colours": _shades(style.RATE_COLOURS),
        "signed_colours": _shades(style.TARGET_COLOURS),
        "unvisited": style.UNVISITED,
        "inner_radius": INNER_RADIUS,
        "level": LEVEL,
        "packing": {
            "highest": SHADES,
            "unvisited": UNVISITED,
            "unknown": UNKNOWN,
            "thousandths": THOUSANDTHS,
        },
    }
    held = "\n".join(
        f'<script type="text/plain" id="block-{number}">{blocks[network["id"]]}</script>'
        for number, network in enumerate(data["networks"])
        if network["id"] in blocks
    )
    parts = {
        "style": _part("explorer.css"),
        "library": plotly.offline.get_plotlyjs().replace("</script", "<\\/script"),
        "data": json.dumps(shown, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c"),
        "blocks": held,
        "script": "\n".join(map(_part, SCRIPTS)),
    }
    before, *rest = _part("explorer.html").split("{{")
    pieces = [before]
    for piece in rest:
        name, after = piece.split("}}", 1)
        pieces += [parts[name], after]
    return "".join(pieces)


def number(value: Any) -> float | None:
    """A number for JSON, to six digits; None where it is not finite."""
    value = float(value)
    return float(f"{value:.6g}") if abs(value) < float("inf") else None


def _part(name: str) -> str:
    return resources.files("nofreelunch.explorer").joinpath(name).read_text(encoding="utf-8")


def _shades(name: str) -> str:
    """A colour scale as 255 colours of six hexadecimal digits each, dark to light."""
    scale = matplotlib.colormaps[name].resampled(255)
    return "".join(matplotlib.colors.to_hex(scale(step))[1:] for step in range(255))
