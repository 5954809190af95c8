"""docs/results.md says what the claims of a study say, and which networks it is made from."""

import re
from pathlib import Path

import numpy as np
import pytest
import synthetic_summary
from nofreelunch.findings.claims import page
from nofreelunch.findings.verdicts import UNTESTABLE
from nofreelunch.story.wording import RESULTS
from nofreelunch.study.sweeps import load_study

import results as docs_results

PAGE = Path(__file__).parents[2] / "docs" / "results.md"
COUNT = sum(len(part.TESTS) for part in page.MODULES_OF_CLAIMS)


@pytest.fixture(scope="module")
def full():
    return synthetic_summary.make("full")


@pytest.fixture(scope="module")
def written(full) -> str:
    return docs_results.page(page.evaluate(full, []), full)


def test_every_result_and_every_claim_is_there(written, full):
    claims = page.evaluate(full, [])
    assert len(claims) == COUNT
    for part, words in RESULTS.items():
        heading = {"T": "Theory", "C": "Controls"}.get(part, f"Result {part[1:]}")
        assert f"### {heading}. {words.question}" in written
    for claim in claims:
        assert f"**{claim.id}.** {claim.sentence}" in written
        for evidence in filter(None, (claim.first, claim.second)):
            assert page.verdict_text(evidence) in written


def test_it_is_one_page(written):
    """With one title, sections that are not empty, and no line that a reader has to scroll for."""
    lines = written.splitlines()
    assert [line for line in lines if line.startswith("# ")] == ["# Results"]
    assert "\n\n\n" not in written and "{" not in written.split("## How to read this")[0]
    before = written.split("## How to read this")[0].splitlines()
    assert all(len(line) <= 101 for line in before if "](" not in line)


def test_it_says_what_the_open_claims_want(full):
    """Each open claim once, by what it lacks."""
    few = full.isel(network=np.flatnonzero(full["target"].values != "cartesian"))
    claims = page.evaluate(few, [])
    said = docs_results.still_open(claims, few)
    left = [
        claim.id
        for claim in claims
        if all(e.verdict == UNTESTABLE for e in (claim.first, claim.second) if e)
    ]
    assert said.startswith(f"{len(left)} of {COUNT} claims have no verdict: ")
    named = [name for part in re.findall(r"\((.*?)\)", said) for name in part.split(", ")]
    assert sorted(named) == sorted(left)
    [lacking] = re.findall(r"want networks that this study does not train \((.*?)\)", said)
    assert {"R2b", "Cc"} <= set(lacking.split(", "))


def test_its_stamp_names_the_networks(written, full):
    names = full["network"].values.tolist()
    assert docs_results.read_stamp(written) == docs_results.stamp(full.attrs["study"], names[::-1])
    assert docs_results.read_stamp(written) != docs_results.stamp(full.attrs["study"], names[1:])


def test_a_study_without_chance_or_learning_has_a_page():
    tiny = synthetic_summary.make("tiny", learnt=False, chance=False)
    assert "cannot be told" in docs_results.page(page.evaluate(tiny, []), tiny)


@pytest.mark.skipif(not PAGE.exists(), reason="docs/results.md is not written yet")
def test_the_page_is_that_of_the_study_as_it_is():
    text = PAGE.read_text(encoding="utf-8")
    study = load_study("evening")
    ids = [network.id for network in study.networks]
    assert docs_results.read_stamp(text) == docs_results.stamp("evening", ids)
    assert text.count("| **") + len(re.findall(r"^Claim \w+ is newer", text, re.M)) == COUNT
