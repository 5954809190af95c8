"""Parts of HTML pages: embedded drawings, and whole pages of text and tables."""

import base64
from pathlib import Path

import markdown

LARGEST_VECTOR = 300_000  # bytes; a larger drawing is shown as pixels

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 15px/1.5 sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em }}
td, th {{ border-bottom: 1px solid #ccc; padding: .4em .8em; text-align: left }}
td {{ vertical-align: top }}
table {{ border-collapse: collapse }}
img {{ max-width: 34em }}
</style>{text}</html>"""


def plain_page(title: str, text: str) -> str:
    """A page, from its title and its text in Markdown.

    >>> "<h1>Claims</h1>" in plain_page("Claims", "# Claims")
    True
    """
    shown = markdown.markdown(text, extensions=["tables", "sane_lists"])
    return PAGE.format(title=title, text=shown)


def embedded(vector: str | Path, pixels: str | Path) -> str:
    """A figure as a `data:` address: the SVG file, or the PNG file where the SVG is large."""
    vector, pixels = Path(vector), Path(pixels)
    small = vector.stat().st_size <= LARGEST_VECTOR
    chosen, kind = (vector, "svg+xml") if small else (pixels, "png")
    return f"data:image/{kind};base64,{base64.b64encode(chosen.read_bytes()).decode()}"
