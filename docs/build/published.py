"""Writes docs/published.md: what the published models show, from a finished study of them.

python docs/build/published.py docs/published.md results/published
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import xarray as xr
from nofreelunch.findings.published import paper_claims, paper_page
from nofreelunch.findings.verdicts import Claim

from results import stamp

PAGE = """# The models that the talk cites

The talk names papers that are said to show that path integration yields grid cells. The study
[`published`](../workflow/studies/published.yaml) trains their models as the papers say, and tests
what each paper says about them. [`workflow/models`](../workflow/models) has one file per model:
what is trained, at two budgets, and every deviation from the paper.

```
make STUDY=published                                   # minutes on two cores
snakemake --config study=published budget=paper        # the budgets of the papers
```

At the budget of the papers, the first line says how many hours and bytes that takes. Add
`--dry-run` to see it without a run. `results/published/index.html` has what follows, with figures.

To add a model, write its file, and, where its networks are of a new kind, its equations in
`networks/published` and how they train in `training/published_stacks.py`. Everything else, from
checkpoints to scores, is there.

{found}
This page is made by `python docs/build/published.py docs/published.md results/published`.

{stamp}
"""


def page(claims: Mapping[str, Sequence[Claim]], summaries: Mapping[str, xr.Dataset]) -> str:
    """The whole page, as Markdown."""
    text = paper_page.to_markdown(claims, summaries, {})
    networks = [
        str(network) for summary in summaries.values() for network in summary["network"].values
    ]
    found = text[text.index("## How to read this") :]
    return PAGE.format(found=found, stamp=stamp("published", networks))


def main() -> None:
    """Write the page to the file that is named first, from the results that are named second."""
    models = sorted(Path(sys.argv[2], "models").iterdir(), reverse=True)
    summaries = {path.name: xr.load_dataset(path / "summary.nc") for path in models}
    Path(sys.argv[1]).write_text(
        page(paper_claims.evaluate(summaries), summaries), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
