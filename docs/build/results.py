"""Writes docs/results.md: what a finished study says about each result of the talk.

python docs/build/results.py docs/results.md results/evening
"""

import math
import re
import sys
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

import xarray as xr
from nofreelunch.findings.claims import missing
from nofreelunch.findings.claims import page as claims_page
from nofreelunch.findings.summary import open_summary
from nofreelunch.findings.verdicts import UNTESTABLE, Claim
from nofreelunch.networks.cohorts import digest
from nofreelunch.story import sections
from nofreelunch.story.sections import Story
from nofreelunch.theory import spectra

PAGE = """# Results

{answer}

This page is made from the {networks} networks of the study
[`{study}`](../workflow/studies/{study}.yaml), which `make STUDY={study}` trains. Each claim of the
talk has up to two verdicts: by grid scores, less chance, and by p-values. What
a verdict means is [below](#how-to-read-this), and how everything is measured in
[methods.md](methods.md).

{results}

## What stays open

{limits}

{claims}
This page is made by `python docs/build/results.py docs/results.md results/{study}`.

{stamp}
"""


def page(claims: Sequence[Claim], summary: xr.Dataset) -> str:
    """The whole page, as Markdown."""
    story = sections.tell(claims, summary)
    full = claims_page.to_markdown(claims, summary)
    return PAGE.format(
        answer=_wrapped(f"**{story.answer}**"),
        study=story.study,
        networks=summary.sizes["network"],
        results=_results(story),
        limits="\n".join(
            _wrapped(f"- {limit}", "  ") for limit in (still_open(claims, summary), *story.limits)
        ),
        claims=full[full.index("## How to read this") :],
        stamp=stamp(story.study, map(str, summary["network"].values)),
    )


def still_open(claims: Sequence[Claim], summary: xr.Dataset) -> str:
    """How many claims have no verdict at all, and what they want."""
    left = [c for c in claims if {e.verdict for e in (c.first, c.second) if e} == {UNTESTABLE}]
    lacking = [c.id for c in left if missing.sweep_for(c.id, summary)]
    unknown = [
        c.id
        for c in left
        if c.id not in lacking
        and not any(e and math.isfinite(e.estimate.value) for e in (c.first, c.second))
    ]
    others = [c.id for c in left if c.id not in (*lacking, *unknown)]
    reasons = (
        (lacking, "want networks that this study does not train"),
        (unknown, "want significant units, or a test that can find lattices"),
        (others, "have other reasons, which are with them below"),
    )
    said = "; ".join(f"{len(ids)} {words} ({', '.join(ids)})" for ids, words in reasons if ids)
    return f"{len(left)} of {len(claims)} claims have no verdict{': ' if said else ''}{said}."


def stamp(study: str, networks: Iterable[str]) -> str:
    """A comment that says which networks of which study a page is made from."""
    return f"<!-- {study}: networks {digest(sorted(networks), 12)} -->"


def read_stamp(text: str) -> str:
    """The comment that `stamp` left on a page."""
    [found] = re.findall(r"^<!-- .*: networks \w+ -->$", text, re.MULTILINE)
    return found


def _results(story: Story) -> str:
    parts = []
    for section in story.sections:
        verdicts = "; ".join(f"{c.criterion}: **{c.mark} {c.words}**" for c in section.chips)
        said = (
            f"### {section.heading}. {section.question}",
            *([_wrapped(f"*The talk.* {section.talk}.")] if section.talk else []),
            _wrapped(f"*This study.* {section.sentence}"),
            _wrapped(f"{verdicts[:1].upper()}{verdicts[1:]}."),
        )
        parts += said
    return "\n\n".join(["## The results", *parts])


def _wrapped(text: str, indent: str = "") -> str:
    whole = {"break_long_words": False, "break_on_hyphens": False}
    return textwrap.fill(text, 100, subsequent_indent=indent, **whole)


def main(path: str, folder: str) -> None:
    """Write the page from the results of a finished study."""
    summary = open_summary(f"{folder}/summary.nc", f"{folder}/units.nc")
    theory = spectra.open_spectra(sorted(Path(folder, "theory").glob("*.nc")))
    claims = claims_page.evaluate(summary, theory)
    Path(path).write_text(page(claims, summary), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
