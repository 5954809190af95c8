"""The story as one HTML page, without scripts and without anything from elsewhere."""

import re
from collections.abc import Mapping
from html import escape
from pathlib import Path

import jinja2

from nofreelunch.findings.corrections.records import Correction
from nofreelunch.story.sections import Story

HERE = Path(__file__)


def render(
    story: Story,
    images: Mapping[str, str],
    captions: Mapping[str, str],
    corrections: Mapping[str, Correction],
) -> str:
    """The page as HTML.

    Args:
        story: what it says.
        images: addresses from `embedded` by name of a figure; a figure that is not there is left
            out.
        captions: their captions by name of a figure.
        corrections: the artefacts of the original, by name.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "bold": _bold,
        "code": _code,
        "anchor": lambda heading: heading.lower().replace(" ", "-"),
    }
    template = environment.from_string(HERE.with_suffix(".html").read_text(encoding="utf-8"))
    style = HERE.with_suffix(".css").read_text(encoding="utf-8")
    told = {"story": story, "corrections": corrections.values()}
    return template.render(told, images=images, captions=captions, style=style)


def _bold(text: str) -> str:
    """HTML of a text in which **words** are bold."""
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escape(text))


def _code(text: str) -> str:
    """HTML of a text in which `names` are code."""
    return re.sub(r"`(.+?)`", r"<code>\1</code>", escape(text))
