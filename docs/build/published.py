"""Writes docs/published_results.md, and its figures: what the finished study `published` says.

python docs/build/published.py docs/published_results.md results/published
"""

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import xarray as xr
from nofreelunch.files import datasets
from nofreelunch.findings.published import paper_claims, paper_page
from nofreelunch.findings.verdicts import Claim

from results import stamp

ENDING = """
This page is made by `python docs/build/published.py docs/published_results.md results/published`.
[The models](published.md) says how to run the study.

{stamp}
"""


def page(
    claims: Mapping[str, Sequence[Claim]],
    summaries: Mapping[str, xr.Dataset],
    figures: Mapping[str, str],
) -> str:
    """The whole page, as Markdown; arguments as of `paper_page.to_markdown`."""
    networks = [str(name) for summary in summaries.values() for name in summary["network"].values]
    text = paper_page.to_markdown(claims, summaries, figures)
    return text + ENDING.format(stamp=stamp("published", networks))


def main(path: str, folder: str) -> None:
    """Write the page from the results of the finished study, and copy its figures beside it."""
    summaries = {
        name: datasets.load(Path(folder, "models", name, "summary.nc"), "published")
        for name in paper_claims.TESTS
    }
    figures = {}
    for name in ("side_by_side", *summaries):
        beside = Path(path).with_name(f"published_{name}.png")
        shutil.copyfile(Path(folder, "figures", f"{name}.png"), beside)
        figures[name] = beside.name
    text = page(paper_claims.evaluate(summaries), summaries, figures)
    Path(path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
