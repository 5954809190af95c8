"""What the story says is what the claims say, for every kind of study."""

import re

import numpy as np
import pytest
import synthetic_summary
import xarray as xr
from nofreelunch.findings import comparisons, headline, verdicts
from nofreelunch.findings.claims import page
from nofreelunch.findings.talks import Quantity
from nofreelunch.findings.verdicts import Claim, Evidence
from nofreelunch.story import limits, sections
from nofreelunch.story.sections import Story
from nofreelunch.story.wording import RESULTS

NUMBER = re.compile(r"[+−]?\d+(?:\.\d+)?")


@pytest.fixture(scope="module")
def full() -> xr.Dataset:
    return synthetic_summary.make("full")


def few_seeds(summary: xr.Dataset) -> xr.Dataset:
    return summary.isel(network=np.flatnonzero(summary["seed"].values < 2))


def diverged(summary: xr.Dataset) -> xr.Dataset:
    return summary.assign(diverged=summary["diverged"] | True)


@pytest.fixture(scope="module")
def studies(full) -> dict[str, xr.Dataset]:
    """Studies that learnt what the talk says, and studies that lack something."""
    return {
        "full": full,
        "few seeds": few_seeds(full),
        "one network": full.isel(network=[0]),
        "all diverged": diverged(full),
        "no surrogates": synthetic_summary.make("full", chance=False),
        "unlearnt": synthetic_summary.make("tiny", learnt=False),
    }


@pytest.fixture(scope="module")
def claims(studies) -> dict[str, list[Claim]]:
    return {name: page.evaluate(study, []) for name, study in studies.items()}


@pytest.fixture(scope="module")
def told(studies, claims) -> dict[str, Story]:
    return {name: sections.tell(claims[name], study) for name, study in studies.items()}


STUDIES = ["full", "few seeds", "one network", "all diverged", "no surrogates", "unlearnt"]


@pytest.mark.parametrize("name", STUDIES)
def test_every_claim_is_told_once_with_its_verdicts(name, told, claims):
    cards = [card for section in told[name].sections for card in section.cards]
    assert [card.claim.id for card in cards] == [claim.id for claim in claims[name]]
    for card, claim in zip(cards, claims[name], strict=True):
        given = [evidence.verdict for evidence in (claim.first, claim.second) if evidence]
        assert [chip.words for chip in card.chips] == given
        assert {chip.mark for chip in card.chips} <= {"✓", "✗", "?"}


@pytest.mark.parametrize("name", STUDIES)
def test_every_number_of_a_sentence_comes_from_the_claims(name, told, studies, claims):
    text = page.to_markdown(claims[name], studies[name])
    known = set(NUMBER.findall(text)) | {f"{n}" for n in range(8)}
    for section in told[name].sections:
        assert set(NUMBER.findall(section.sentence)) <= known, section.sentence
        for card in section.cards:
            assert set(NUMBER.findall(" ".join(card.estimates.values()))) <= known


def test_the_answer_is_the_sentence_of_the_overview(told, full):
    columns = comparisons.networks_by_target(full)
    assert told["full"].answer == f"{headline.answer(columns)}."


def test_sections_say_what_is_found_and_what_cannot_be_told(told):
    said = {section.part: section.sentence for section in told["full"].sections}
    assert said["R1"].startswith("Most networks learn the task: ")
    assert said["R2"].startswith(
        "Difference-of-softmaxes targets give more lattice-like units than"
    )
    assert "Of 7 targets that should give no grid cells, 5 are shown to give none, 2" in said["R2"]
    few = {section.part: section.sentence for section in told["few seeds"].sections}
    assert "cannot be told. That needs 3 networks of each kind, found 2." in few["R2"]


def test_a_section_answers_by_the_claims_that_are_named_for_it(told, claims):
    for name, story in told.items():
        by_id = {claim.id: claim for claim in claims[name]}
        for section in story.sections:
            for label in RESULTS[section.part].answered_by:
                assert sections.statement(by_id[label]) in section.sentence, (name, label)


def test_chips_of_a_section_count_what_differs():
    one = sections._chip("c", [verdicts.REPRODUCED] * 2)
    assert (one.kind, one.mark, one.words) == ("yes", "✓", "both reproduced")
    mixed = sections._chip("c", [verdicts.REPRODUCED, *[verdicts.UNTESTABLE] * 3])
    assert mixed.kind == "mixed"
    assert mixed.words == "1 reproduced, 3 cannot be tested at this scale"


def test_open_claims_say_why_and_which_sweep_is_lacking(told):
    gaps = {gap.claim.id: gap for gap in told["one network"].gaps}
    assert gaps["R2f"].sweep == "{seed: [0, 1, 2], target: gaussian}"
    cards = {card.claim.id: card for s in told["one network"].sections for card in s.cards}
    assert cards["R2f"].sweep == gaps["R2f"].sweep
    assert cards["R2f"].why == "That needs 3 networks of each kind, found 0."
    for name in ("few seeds", "one network", "all diverged", "no surrogates", "unlearnt"):
        for gap in told[name].gaps:
            assert gap.reasons and all(reason.why.endswith(".") for reason in gap.reasons)


def test_claims_without_a_gap_are_decided(told, claims):
    for name, story in told.items():
        open_ = {gap.claim.id for gap in story.gaps}
        for claim in claims[name]:
            found = [e.verdict for e in (claim.first, claim.second) if e]
            assert (verdicts.UNTESTABLE in found) == (claim.id in open_)


def test_more_networks_are_named_where_the_spread_is_what_is_missing(full):
    """A contrast whose interval is too wide, and that three more networks a side would decide."""
    homogeneous = comparisons.select(full)["network"].values
    p_value = full["p_value"].copy(deep=True)
    active = full["active"]
    for name, share in zip(homogeneous, (0.02, 0.4, 0.25, 0.03), strict=True):
        rank = np.cumsum(active.sel(network=name).values) / int(active.sel(network=name).sum())
        values = np.where(rank <= share, 0.01, 0.5)
        p_value.loc[{"network": name}] = np.where(active.sel(network=name), values, np.nan)
    summary = full.assign(p_value=p_value)
    story = sections.tell(page.evaluate(summary, []), summary)
    gaps = {gap.claim.id: gap for gap in story.gaps}
    (reason,) = [r for r in gaps["R6a"].reasons if r.criterion == sections.P_VALUES]
    assert reason.why.startswith("The interval is too wide: ")
    assert 1 <= int(reason.more) <= 50
    assert gaps["R6a"].sweep == ""


def test_a_claim_of_ones_own_has_a_card(full):
    """It may be about no unit, or have its two estimates in different units."""
    ratio = Evidence(verdicts.over_seeds(np.array([1.0, 1.1, 1.2])), "ratio", verdicts.below(2))
    share = Evidence(verdicts.of_share(np.ones(12, bool), range(12)), "share", verdicts.most)
    source = Quantity(1.0, "one", "workshop talk")
    own = [
        verdicts.judge("R1d", "Own.", source, "n", first=ratio, about_units=False),
        verdicts.judge("R1e", "Own.", source, "n", first=ratio, second=share),
    ]
    story = sections.tell([*page.evaluate(full, []), *own], full)
    cards = {card.claim.id: card for card in story.sections[0].cards}
    assert cards["R1d"].plot.count("<svg") == 1 and cards["R1e"].plot.count("<svg") == 2
    assert cards["R1e"].plot.count('class="talk"') == 1
    assert [chip.kind for chip in cards["R1e"].chips] == ["yes", "yes"]


def test_limits_name_what_the_study_is(told, full):
    assert "Every network diverged, so nothing was measured." in told["all diverged"].limits
    assert any("No surrogates were scored" in text for text in told["no surrogates"].limits)
    assert any("1 network diverged" in text for text in told["full"].limits)
    controls = synthetic_summary.make("controls")  # some of which do not path-integrate
    claims = page.evaluate(controls, [])
    assert next(iter(limits.limits(controls, claims))).startswith("1 network diverged")
    untrained = controls.isel(network=[spec["steps"] == 0 for spec in comparisons.specs(controls)])
    said = list(limits.limits(untrained, page.evaluate(untrained, [])))
    assert said == ["No network was trained to path-integrate, so no claim could be tested."]
    units = int(full["units_present"].values[0])
    assert any(f"have {units} units" in text for text in told["full"].limits)
