"""Writes docs/columns.md, what every name in the project's files means, from `files/meanings.py`.

python docs/build/columns.py docs/columns.md
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from nofreelunch.exports.tables import SPREAD
from nofreelunch.files import meanings
from nofreelunch.files.meanings import Meaning
from nofreelunch.scoring.lattice_classes import CLASSES
from nofreelunch.scoring.unit_scores import REASONS

PAGE = """# Every column

A name has one meaning, wherever it stands: in the netCDF files, in `summary.csv` and
`networks.csv`, and in the tables that `nofreelunch export` writes. The netCDF files follow the CF
conventions ({conventions}) and carry the same words: `long_name`, `units`, and a `comment` on when
a value is missing. [scores.md](scores.md) says how far each score can be trusted, and
[keys.md](keys.md) what the keys of a study are.

| file | one row, or one place, per |
|---|---|
| `networks.csv` | network: its identifier, its files, and what distinguishes it from the others |
| `summary.csv`, `summary.nc` | network |
| `units.nc`, `scores/<cohort>.nc` | unit |
| `export/per_network.csv`, `.parquet` | network |
| `export/per_unit.csv`, `.parquet` | unit |
| `rate_maps/<cohort>.nc`, `export/<network>.nwb` | bin of each unit's map |
| `networks/<cohort>.nc` | weight, and point of the learning curve |
| `lesions.nc` | reference network, and lesion |
| `theory/<encoding>.nc` | target |
| `patterns.nc` | target, activation, and map (unit) |
| `models/<model>/summary.nc` | network of a published model |
| `figures/<name>.csv` | point of a figure |

In tables a variable with further dimensions has a column for each place along them:

| variable | its columns end in |
|---|---|
{spread}

Units are those of UDUNITS; 1 stands for a pure number, and nothing for words. `True` and `False`
are 1 and 0 in netCDF.

{sections}

## Flags

In netCDF these are numbers, whose words are the attribute `flag_meanings`. In tables they are
words.

| variable | 0, 1, 2 ... stand for |
|---|---|
| `lattice_reason` | {reasons} |
| `lattice_class` | {classes} |

## Numbers of a figure

`figures/<name>.csv` has one row per point that a figure shows, read off the drawing: what is drawn
is what is in the table.

| column | meaning |
|---|---|
| `panel`, `title` | number of the panel, from the first drawn, and its title |
| `item` | number of a line, a set of points or a bar in its panel |
| `kind` | `line`, `points`, `bar`, `reference` (a line across) or `map` (values: in `rate_maps`) |
| `series` | what the legend calls it; empty where the legend has no entry of its look |
| `target` | the target whose colour it has |
| `x_axis`, `y_axis` | labels of the axes, with units |
| `place` | the word at the nearest tick, on axes of words |
| `x`, `y` | coordinates in the units of the axes |

## Attributes of files

| name | meaning |
|---|---|
{attributes}

This page is made from [`files/meanings.py`](../workflow/nofreelunch/files/meanings.py) by
`python docs/build/columns.py docs/columns.md`.
"""
SECTIONS = {
    "Labels and axes": meanings.LABELS,
    "What a network is": meanings.SPECIFICATION,
    "Files of a network": meanings.INDEX,
    "Walks, training, errors": meanings.TRAINING,
    "Rate maps": meanings.MAPS,
    "Scores of a unit": meanings.SCORES,
    "A unit against chance": meanings.CHANCE,
    "Shares of a network's units": meanings.SHARES,
    "Theory": meanings.THEORY,
    "Published models": meanings.PUBLISHED,
}


def page() -> str:
    """The whole page, as Markdown."""
    return PAGE.format(
        conventions=meanings.CONVENTIONS,
        spread="\n".join(f"| `{name}` | `_<{after}>` |" for name, after in SPREAD.items()),
        sections="\n\n".join(f"## {title}\n\n{table(of)}" for title, of in SECTIONS.items()),
        reasons=", ".join(f"`{word.replace(' ', '_')}`" for word in REASONS),
        classes=", ".join(f"`{word}`" for word in CLASSES),
        attributes="\n".join(f"| `{k}` | {text} |" for k, text in meanings.ATTRIBUTES.items()),
    )


def table(names: Mapping[str, Meaning]) -> str:
    """The meanings as a Markdown table."""
    lines = ["| name | units | meaning | missing where |", "|---|---|---|---|"]
    lines += [f"| `{k}` | {m.units} | {m.text} | {m.missing} |" for k, m in names.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
