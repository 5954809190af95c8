"""The sheet of corrections: kept as JSON, and shown in the story, the report and the docs."""

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from nofreelunch.findings.corrections.records import Correction, Number

INTERVALS = """Intervals are 95 % intervals over what was drawn at random, which the last column
names. “Exact” numbers follow from the definitions."""
TIE = "\N{NO-BREAK SPACE}"
# Captions of the pictures, by name of the correction that has one.
PICTURES = {
    "period_unit": "The lattice of slide 9 in the box of 2.2 m: in bins, and as it would be in cm.",
    "inverted_ring": "One cell of two targets by distance from its centre, over its mean activity.",
}


def to_json(corrections: Mapping[str, Correction]) -> str:
    """All corrections, by the name of what computes each; bounds that are NaN are left out."""
    kept = {}
    for name, correction in corrections.items():
        fields = [one._asdict().items() for one in correction.numbers]
        numbers = [{key: value for key, value in of if value == value} for of in fields]
        kept[name] = asdict(replace(correction, numbers=())) | {"numbers": numbers}
    return json.dumps(kept, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read(path: str | Path) -> dict[str, Correction]:
    """The corrections that `to_json` wrote."""
    kept = json.loads(Path(path).read_text(encoding="utf-8"))
    return {
        name: Correction(**one | {"numbers": tuple(Number(**n) for n in one["numbers"])})
        for name, one in kept.items()
    }


def to_markdown(corrections: Mapping[str, Correction], pictures: Mapping[str, str]) -> str:
    """A section per correction, in Markdown.

    Args:
        corrections: those to show, by name.
        pictures: addresses of the pictures, by name of the correction.
    """
    items = enumerate(corrections.items(), 1)
    return "\n".join(_section(place, *item, pictures) for place, item in items)


def _section(place: int, name: str, correction: Correction, pictures: Mapping[str, str]) -> str:
    picture = ""
    if name in PICTURES:
        picture = f"\n![{PICTURES[name]}]({pictures[name]})\n\n*{PICTURES[name]}*\n"
    return (
        f"## {place}. {correction.title}\n\n"
        f"{_wrapped(f'*The original.* {correction.said}')}\n\n"
        f"{_wrapped(f'*What holds.* {correction.holds}')}\n\n"
        f"{_wrapped(f'*Here.* {correction.here}')}\n{picture}\n{_table(correction.numbers)}"
    )


def _wrapped(text: str) -> str:
    """A paragraph in lines of the page's width; numbers stay beside their units."""
    tied = re.sub(r"(?<=\d) (?=%|×|cm\b)| / ", lambda found: found[0].replace(" ", TIE), text)
    lines = textwrap.fill(tied, 100, break_on_hyphens=False, break_long_words=False)
    return lines.replace(TIE, " ")


def _table(numbers: Sequence[Number]) -> str:
    rows = [(one.label, one.text, one.interval, one.basis) for one in numbers]
    lines = [("what", "number", "95 % interval", "from"), ("---", "---:", "---:", "---"), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
