"""The story as one HTML page, without scripts and without anything from elsewhere."""

import base64
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path

import jinja2

from nofreelunch.story.sections import Story

HERE = Path(__file__)
LARGEST_VECTOR = 300_000  # bytes; a larger drawing is shown as pixels


def render(story: Story, images: Mapping[str, str], captions: Mapping[str, str]) -> str:
    """The page as HTML.

    Args:
        story: what it says.
        images: addresses from `embedded` by name of a figure; a figure that is not there is left
            out.
        captions: their captions by name of a figure.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "bold": _bold,
        "anchor": lambda heading: heading.lower().replace(" ", "-"),
    }
    template = environment.from_string(HERE.with_suffix(".html").read_text(encoding="utf-8"))
    style = HERE.with_suffix(".css").read_text(encoding="utf-8")
    return template.render(story=story, images=images, captions=captions, style=style)


def embedded(vector: str | Path, pixels: str | Path) -> str:
    """A figure as a `data:` address: the SVG file, or the PNG file where the SVG is large."""
    vector, pixels = Path(vector), Path(pixels)
    small = vector.stat().st_size <= LARGEST_VECTOR
    chosen, kind = (vector, "svg+xml") if small else (pixels, "png")
    return f"data:image/{kind};base64,{base64.b64encode(chosen.read_bytes()).decode()}"


def _bold(text: str) -> str:
    """HTML of a text in which **words** are bold."""
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escape(text))
