"""The tables of docs/sweeps.md: `python -m nofreelunch.sweep_table docs/sweeps.md`.

They count the networks of the full studies, sweep by sweep, beside those that the talks analysed.
"""

import functools
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nofreelunch import schemas, study
from nofreelunch.study import Study

# Networks that the NeurIPS talk analysed (slides 7 and 8), and the sweeps of `paper` for them.
NEURIPS = {
    "Cartesian, two outputs": (2516, ("neurips_cartesian_grid", "neurips_cartesian_random")),
    "Cartesian, many outputs": (
        3793,
        ("neurips_high_dim_cartesian_grid", "neurips_high_dim_cartesian_random"),
    ),
    "polar, many outputs": (
        1171,
        ("neurips_high_dim_polar_grid", "neurips_high_dim_polar_random"),
    ),
    "Gaussian": (1265, ("neurips_gaussian_grid", "neurips_gaussian_random")),
    "difference of Gaussians (DoG)": (1103, ("neurips_dog",)),
    "difference of softmaxes (DoS)": (
        1689,
        ("neurips_dos_grid", "neurips_dos_widths", "neurips_dos_fields"),
    ),
    "softmax of differences (SoD)": (71, ("neurips_sod",)),
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

The studies [`paper`](../workflow/studies/paper.yaml) and
[`corrected`](../workflow/studies/corrected.yaml) are the full sweeps, for a cluster. This page is
made from their files, inside the environment:

```
python -m nofreelunch.sweep_table docs/sweeps.md
```

## paper

Every sweep that the talks analyse, with their budgets: {paper_total}.

### The NeurIPS talk's first result

{neurips}
The numbers are the talk's; what they count differs in three ways. The talk counts runs, and up to
four of them were copies of one network, because dropout, one of the axes, never dropped anything:
here it does, and all {neurips_distinct} networks are distinct. The talk has the runs that had
finished; here as many are drawn from the grid that was declared. And how the runs of an encoding
divide between its grid and its random search is on record for the Gaussian alone: the Cartesian and
polar ones are assumed to be like it.

### The workshop talk's first result

{workshop}
The {workshop_more} networks more belong to two sweeps that had not finished and that later results
rest on: mixed widths (result 5) and the difference of Gaussians (result 6). The talk gives the sum;
its division is that of the authors' notebooks and tables of runs, and `workshop_dos_cells` has what
the other sweeps leave of it.

### Sweep by sweep

*crossed* is what the lists of a sweep cross to; a smaller number of networks is a random draw from
that. *analysed* is what the source analysed, where that is on record for the sweep.

{paper}
## corrected

The six results asked again, with one budget for every network, ten seeds of each configuration, and
crossed designs instead of random search; the head of the file says what it corrects:
{corrected_total}.

{corrected}"""


def page() -> str:
    """The whole page, as Markdown."""
    paper, corrected = study.load("paper"), study.load("corrected")
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
    axes = (value for key, value in sweep.items() if key not in study.NOT_AXES)
    return math.prod(len(study.alternatives(value)) for value in axes)


@functools.cache
def sweeps(name: str) -> dict[str, Any]:
    """The sweeps of the study `name` as its file gives them."""
    return schemas.read(study.FOLDER / f"{name}.yaml")["sweeps"]


def _source(study_name: str, sweep: str) -> Mapping[str, Any]:
    return sweeps(study_name)[sweep]["source"]


def _total(planned: Study) -> str:
    listed = list(map(len, planned.sweeps.values()))
    return (
        f"{len(planned.networks):,} networks\nfor {sum(listed):,} entries in {len(listed)} sweeps, "
        "since a network that several sweeps list is trained once"
    )


def _neurips(paper: Study) -> str:
    rows = []
    for encoding, (analysed, names) in NEURIPS.items():
        networks = sum(len(paper.sweeps[name]) for name in names)
        rows.append((encoding, networks, analysed))
    return _with_sum(("encoding", "networks", "the talk"), rows)


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


def main() -> None:
    """Write the page to the file named on the command line."""
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
