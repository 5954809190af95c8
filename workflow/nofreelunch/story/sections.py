"""What the story says: the answer, a section per result, and what the study cannot say.

All of it is text and drawings, made from the claims and the summary. `story_page` arranges them.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import xarray as xr

from nofreelunch.findings import comparisons, headline, network_measures, power, verdicts
from nofreelunch.findings.claims import about_targets, missing, page
from nofreelunch.findings.verdicts import Claim, Estimate, Evidence
from nofreelunch.story import limits
from nofreelunch.story.interval_plot import IntervalRow, interval_plot
from nofreelunch.story.wording import (
    ABSENCES,
    BLIND,
    FIGURES,
    RESULTS,
    STATEMENTS,
    UNDECIDED,
    ClaimWords,
)

GRID_SCORES, P_VALUES = "grid scores, less chance", "p-values"
# What is judged where no units are counted, by the unit of the estimate.
WITHOUT_UNITS = {"share": "position error", "m": "position error", "cycles per box": "spectrum"}
NARROW = 1e-9  # half the width of an interval that leaves nothing open
FIGURE_OF = {"T": "predictions", "C": "controls"}  # of results: result_1 and so on
KINDS = {
    verdicts.REPRODUCED: ("yes", "✓"),
    verdicts.NOT_REPRODUCED: ("no", "✗"),
    verdicts.UNTESTABLE: ("open", "?"),
}


class Chip(NamedTuple):
    """A verdict by one criterion: its kind ("yes", "no", "open" or "mixed"), mark and words."""

    criterion: str
    kind: str
    mark: str
    words: str


class Card(NamedTuple):
    """A claim with its chips, its drawing (SVG, may be empty) and its estimates as text.

    `why` says why verdicts are open; empty where none is. `sweep` is one that the study lacks for
    it, in YAML. `whose` says whose number it is set against: "Talk" or "Reference".
    """

    claim: Claim
    chips: tuple[Chip, ...]
    plot: str
    estimates: dict[str, str]
    why: str
    sweep: str
    whose: str


class Section(NamedTuple):
    """A result of the talk, the theory or the controls.

    `part` is that of its claims, and `heading` says which result it is, such as "Result 1". `talk`
    is the talk's own sentence; empty where it has none. `alt` says what the figure shows.
    """

    part: str
    heading: str
    talk: str
    question: str
    background: str
    sentence: str
    chips: tuple[Chip, ...]
    cards: tuple[Card, ...]
    figure: str
    alt: str


class Reason(NamedTuple):
    """Why verdicts are open, and how many more networks of each kind would decide them.

    `more` is empty where more networks alone do not help, or where no number can be given.
    """

    criterion: str
    why: str
    more: str


class Gap(NamedTuple):
    """A claim with an open verdict; `sweep` is YAML, empty where the study has the networks."""

    claim: Claim
    reasons: tuple[Reason, ...]
    sweep: str


class Story(NamedTuple):
    """All that the page says. `facts` are numbers of the study in the fixed texts."""

    study: str
    answer: str
    alt: str
    facts: dict[str, str]
    sections: tuple[Section, ...]
    gaps: tuple[Gap, ...]
    limits: tuple[str, ...]


def tell(claims: Sequence[Claim], summary: xr.Dataset) -> Story:
    """The story of a study.

    Args:
        claims: those of `page.evaluate`.
        summary: the study's summary, joined with its units.
    """
    columns = comparisons.networks_by_target(summary)
    sweeps = {claim.id: missing.sweep_text(claim.id, summary) for claim in claims}
    gaps = (_gap(claim, sweeps[claim.id]) for claim in claims)
    return Story(
        str(summary.attrs["study"]),
        f"{headline.answer(columns)}.",
        _overview_alt(columns),
        limits.facts(summary, len(claims)),
        tuple(_section(part, claims, sweeps) for part in page.PARTS),
        tuple(gap for gap in gaps if gap.reasons),
        tuple(limits.limits(summary, claims)),
    )


def by_criterion(claim: Claim) -> dict[str, Evidence]:
    """The evidence of a claim by the name of its criterion."""
    found = {}
    if claim.first:
        others = WITHOUT_UNITS.get(claim.first.unit, "this study")
        found[GRID_SCORES if claim.about_units else others] = claim.first
    if claim.second:
        found[P_VALUES] = claim.second
    return found


def statement(claim: Claim) -> str:
    """A claim in plain words, by p-values where it is tested so."""
    words, evidence = _words(claim), list(by_criterion(claim).values())[-1]
    shown = page.estimate_text(evidence)
    if evidence.verdict == verdicts.UNTESTABLE:
        return f"Whether {words.holds} cannot be told. {_why(claim, evidence)}"
    said = words.holds if evidence.verdict == verdicts.REPRODUCED else words.fails
    return f"{said[0].upper()}{said[1:]}: {shown}."


def _words(claim: Claim) -> ClaimWords:
    """Its plain words, with the name of its targets as the claim has it."""
    subject = claim.sentence.partition(" give ")[0]
    targets = subject[0].lower() + subject[1:]
    return ClaimWords(*(text.format(targets=targets) for text in STATEMENTS[claim.id]))


def _why(claim: Claim, evidence: Evidence) -> str:
    """Why a verdict is open."""
    value, low, high = evidence.estimate[:3]
    if evidence.obstacle:
        return re.sub("^Needs", "That needs", evidence.obstacle)
    if claim.id in (*about_targets.TARGETS_WITHOUT_RING, "Ca") and not high < 1:
        return BLIND
    if not (math.isfinite(value) and math.isfinite(high - low)):
        return "The networks give no interval."
    if evidence.rule(Estimate(value, value - NARROW, value + NARROW, 1)) == verdicts.UNTESTABLE:
        return UNDECIDED.get(claim.id, UNDECIDED[""])
    return f"The interval is too wide: {page.estimate_text(evidence)}."


def _section(part: str, claims: Sequence[Claim], sweeps: Mapping[str, str]) -> Section:
    words = RESULTS[part]
    chosen = [claim for claim in claims if claim.part == part]
    answers = [statement(claim) for claim in chosen if claim.id in words.answered_by]
    absences = [claim for claim in chosen if claim.id in about_targets.TARGETS_WITHOUT_RING]
    if absences:
        answers.append(_absences(absences))
    found: dict[str, list[str]] = {}
    for claim in chosen:
        for criterion, evidence in by_criterion(claim).items():
            found.setdefault(criterion, []).append(evidence.verdict)
    figure, sentence = FIGURE_OF.get(part, f"result_{part[1:]}"), " ".join(answers)
    heading, _, _ = page.PARTS[part].partition(". ")
    return Section(
        part,
        heading,
        page.RESULTS.get(part, ""),
        words.question,
        words.background,
        sentence,
        tuple(_chip(criterion, of) for criterion, of in found.items()),
        tuple(_card(claim, sweeps[claim.id]) for claim in chosen),
        figure,
        f"{FIGURES[figure]} {sentence}",
    )


def _absences(claims: Sequence[Claim]) -> str:
    """What the targets give that should give nothing, in words."""
    tested = [(claim, claim.second) for claim in claims if claim.second]
    found = [evidence.verdict for _, evidence in tested]
    endings = dict(zip(KINDS, ABSENCES, strict=True))
    counts = [
        f"{found.count(verdict)} {ending[found.count(verdict) > 1]}"
        for verdict, ending in endings.items()
        if verdict in found
    ]
    said = f"Of {len(found)} targets that should give no grid cells, {', '.join(counts)}."
    open_ = [_why(claim, e) for claim, e in tested if e.verdict == verdicts.UNTESTABLE]
    return f"{said} {max(open_, key=open_.count)}" if open_ else said


def _card(claim: Claim, sweep: str) -> Card:
    evidence = by_criterion(claim)
    texts = {name: page.estimate_text(e) for name, e in evidence.items()}
    whose = "Talk" if "talk" in claim.reference.source else "Reference"
    here = "; ".join(f"{name} {text}" for name, text in texts.items())
    title = f"{claim.id}: {here}. {whose}: {claim.reference.text}."
    plots, talk = [], claim.reference.value
    for unit in dict.fromkeys(e.unit for e in evidence.values()):
        rows = [
            IntervalRow(name, *e.estimate[:3], texts[name])
            for name, e in evidence.items()
            if e.unit == unit
        ]
        plots.append(interval_plot(rows, unit, talk, title))
        talk = math.nan  # it has the unit of the first
    chips = tuple(_chip(name, [e.verdict]) for name, e in evidence.items())
    open_ = [_why(claim, e) for e in evidence.values() if e.verdict == verdicts.UNTESTABLE]
    why = " ".join(dict.fromkeys(open_))
    return Card(claim, chips, "".join(plots), texts, why, sweep, whose)


def _chip(criterion: str, found: Sequence[str]) -> Chip:
    """One chip for one verdict or several; it counts them where they differ."""
    if len(set(found)) == 1:
        every = {1: "", 2: "both "}.get(len(found), f"all {len(found)} ")
        return Chip(criterion, *KINDS[found[0]], f"{every}{found[0]}")
    counts = [f"{found.count(verdict)} {verdict}" for verdict in KINDS if verdict in found]
    return Chip(criterion, "mixed", "◐", ", ".join(counts))


def _gap(claim: Claim, sweep: str) -> Gap:
    """What stands in the way of the open verdicts of a claim; no reasons where none is open."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for criterion, evidence in by_criterion(claim).items():
        if evidence.verdict == verdicts.UNTESTABLE:
            why, needed = _why(claim, evidence), power.networks_needed(evidence)
            more = ""
            if needed is not None and why != BLIND:
                more = f"{needed - evidence.estimate.count:,}"
            reasons.setdefault((why, more), []).append(criterion)
    found = tuple(Reason(" and ".join(names), *key) for key, names in reasons.items())
    return Gap(claim, found, sweep)


def _overview_alt(columns: Mapping[str, xr.Dataset]) -> str:
    """What the overview shows, in words and numbers."""
    shares = [
        f"{comparisons.phrase(networks, target)} "
        f"{verdicts.mean_percent(network_measures.small_p_values(networks)) or 'not known'}"
        for target, networks in columns.items()
    ]
    return (
        "A walk in the box. For each target: the activity of one of its cells, the rate map of the "
        "best unit that it gave, and the share of active units with p ≤ 0.05. "
        f"{', '.join(shares) or 'No network to show'}."
    )
