"""Writes docs/sweeps.md: networks per sweep of the full studies, beside those of the talks.

python docs/build/sweeps.py docs/sweeps.md
"""

import functools
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nofreelunch.study.schema import read_yaml
from nofreelunch.study.sweeps import FOLDER, NOT_AXES, Study, alternatives, load_study
from nofreelunch.task.names import target_name

# Networks that the NeurIPS talk analysed (slides 7 and 8), and the sweeps of `paper` for them.
NEURIPS = {
    "cartesian": (2516, ("neurips_cartesian_grid", "neurips_cartesian_random")),
    "high_dim_cartesian": (
        3793,
        ("neurips_high_dim_cartesian_grid", "neurips_high_dim_cartesian_random"),
    ),
    "high_dim_polar": (
        1171,
        ("neurips_high_dim_polar_grid", "neurips_high_dim_polar_random"),
    ),
    "gaussian": (1265, ("neurips_gaussian_grid", "neurips_gaussian_random")),
    "difference_of_gaussians": (1103, ("neurips_dog",)),
    "difference_of_softmaxes": (
        1689,
        ("neurips_dos_grid", "neurips_dos_widths", "neurips_dos_fields"),
    ),
    "softmax_of_differences": (71, ("neurips_sod",)),
}
# The sweeps that make up the 415 networks of the workshop talk's first result (slide 6).
WORKSHOP = (
    "workshop_cartesian",
    "workshop_gaussian",
    "workshop_dos_cells",
    "workshop_dos_widths",
    "workshop_dos_surrounds",
    "workshop_dos_mixed",
    "workshop_sod",
    "workshop_dog",
)

PAGE = """# Networks per sweep

Two studies are the full sweeps, for a cluster. [`paper`](../workflow/studies/paper.yaml) trains
what the talks analysed. [`corrected`](../workflow/studies/corrected.yaml) asks the same questions
with equal budgets. This page counts their networks.

## paper

The sweeps of the talks, unfinished ones trained whole, and some that the talks left out, with the
budgets of the originals: {paper_total}

### The NeurIPS talk's first result

{neurips}
The counts are the talk's. What is counted differs in three ways:

- *Copies.* The talk counts runs. Dropout is one of its axes but never dropped anything, so up to
  four runs were copies of one network. Here dropout drops, and all {neurips_distinct} networks are
  distinct.
- *Which runs.* The talk has the runs that had finished. Here as many networks are drawn from the
  declared grid.
- *Grid or random search.* How many of an encoding's runs came from each is on record for the
  Gaussian alone. The Cartesian and polar encodings are assumed to divide in the same way.

### The workshop talk's first result

{workshop}
The {workshop_more} additional networks belong to two sweeps that had not finished: mixed widths
(result 5) and the difference of Gaussians (result 6). Both are trained whole here, because those
results rest on them. The talk gives only the sum. Its division comes from the authors' notebooks
and tables of runs; `workshop_dos_cells` takes what the other sweeps leave of the sum.

### Sweep by sweep

- *crossed*: combinations of the sweep's lists. Where *networks* is smaller, the networks are a
  random draw from them.
- *analysed*: networks that the source analysed, where that is on record for the sweep.

{paper}
## corrected

The six results asked again: one budget for every network, ten seeds of each configuration, and
crossed designs in place of random search. The head of the file lists what it corrects.
In all {corrected_total}

{corrected}
This page is made from the study files by `python docs/build/sweeps.py docs/sweeps.md`.
"""


def page() -> str:
    """The whole page, as Markdown."""
    paper, corrected = load_study("paper"), load_study("corrected")
    analysed = {name: _source("paper", name).get("analysed") for name in WORKSHOP}
    here = {name: len(paper.sweeps[name]) for name in WORKSHOP}
    neurips = [member for name in neurips_sweeps() for member in paper.sweeps[name]]
    return PAGE.format(
        paper_total=_total(paper),
        neurips=_neurips(paper),
        neurips_distinct=f"{len(set(neurips)):,}",
        workshop=_with_sum(
            ("sweep", "networks", "the talk"),
            [(f"`{name}`", here[name], analysed[name]) for name in WORKSHOP],
        ),
        workshop_more=sum(here.values()) - sum(analysed.values()),
        paper=_sweeps(paper, "source", "difference"),
        corrected_total=_total(corrected),
        corrected=_sweeps(corrected, "question", "against the original"),
    )


def neurips_sweeps() -> list[str]:
    """The sweeps of `paper` that are the NeurIPS talk's first result."""
    return [name for _, names in NEURIPS.values() for name in names]


def crossed(sweep: Mapping[str, Any]) -> int:
    """The combinations that the lists of a sweep, as its file gives it, cross to."""
    axes = (value for key, value in sweep.items() if key not in NOT_AXES)
    return math.prod(len(alternatives(value)) for value in axes)


@functools.cache
def sweeps(name: str) -> dict[str, Any]:
    """The sweeps of the study `name` as its file gives them."""
    return read_yaml(FOLDER / f"{name}.yaml")["sweeps"]


def _source(study_name: str, sweep: str) -> Mapping[str, Any]:
    return sweeps(study_name)[sweep]["source"]


def _total(planned: Study) -> str:
    listed = list(map(len, planned.sweeps.values()))
    return (
        f"{len(planned.networks):,} networks.\n"
        f"Its {len(listed)} sweeps list {sum(listed):,} in all; a network that several sweeps list "
        "is trained once."
    )


def _neurips(paper: Study) -> str:
    rows = []
    for target, (analysed, names) in NEURIPS.items():
        networks = sum(len(paper.sweeps[name]) for name in names)
        rows.append((target_name(target), networks, analysed))
    return _with_sum(("target", "networks", "the talk"), rows)


def _sweeps(planned: Study, source: str, note: str) -> str:
    rows = []
    for name, members in planned.sweeps.items():
        said = _source(planned.name, name)
        counts = len(members), crossed(sweeps(planned.name)[name]), said.get("analysed", "")
        rows.append((f"`{name}`", *counts, said["cite"], said.get("note", "")))
    return _table(("sweep", "networks", "crossed", "analysed", source, note), rows)


def _with_sum(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    sums = [sum(counts) for counts in list(zip(*rows, strict=True))[1:]]
    return _table(columns, [*rows, ("**all**", *sums)])


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table; a column without any content is left out, numbers are set right."""
    filled = [(name, cells) for name, *cells in zip(columns, *rows, strict=True) if any(cells)]
    lines = [
        [name for name, _ in filled],
        ["---:" if any(isinstance(cell, int) for cell in cells) else "---" for _, cells in filled],
        *zip(*(map(_text, cells) for _, cells in filled), strict=True),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _text(cell: Any) -> str:
    return f"{cell:,}" if isinstance(cell, int) else cell


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
