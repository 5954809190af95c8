"""The words of the story: what each result asks, and each claim as a plain statement."""

from typing import NamedTuple

from nofreelunch.findings import talks


class Wording(NamedTuple):
    """The words of a result: its question, what a reader has to know, the claims that answer it."""

    question: str
    background: str
    answered_by: tuple[str, ...]


class ClaimWords(NamedTuple):
    """A claim in plain words, where it is reproduced and where it is not."""

    holds: str
    fails: str


_LEAST, _MOST = talks.MODULE_RATIOS

RESULTS = {
    "R1": Wording(
        "Do networks that learn the task get grid cells?",
        "Each network receives the velocity of an animal that walks about a square box, and has to "
        "say where the animal is. If grid cells came with this task, most networks that learn it "
        "would have them.",
        ("R1a", "R1b"),
    ),
    "R2": Wording(
        "Does it depend on what the network has to report?",
        "The experimenter chooses the form in which a network reports the position: its target. "
        "Coordinates are one form. The activity of place cells, each of which fires around one "
        "spot, is another. The talk says that grid cells come with one of these forms: a "
        "difference of two softmaxes, that is, place cells with a ring of low activity around "
        "their spot.",
        ("R2a",),
    ),
    "R3": Wording(
        "Does a small change of the target prevent them?",
        "A brain could not rely on something that a small change destroys. The talk made the place "
        "cells of the target a centimetre wider or narrower, and found many grid-like units at "
        "some widths and few at others.",
        ("R3a", "R3b"),
    ),
    "R4": Wording(
        "Do networks have several grid modules, as brains do?",
        "In animals, grid cells come in modules: groups whose spacing differs by a factor of "
        f"{_LEAST:g} to {_MOST:g}. The talk says that a network has a single spacing, which the "
        "width of the place cells sets.",
        ("R4a", "R4d"),
    ),
    "R5": Wording(
        "Do realistic place cells give grid cells?",
        "In the target that works, all place cells are alike. Real ones differ in width, and often "
        "fire in several places. The talk says that grid cells disappear when the target has such "
        "place cells.",
        ("R5a", "R5b"),
    ),
    "R6": Wording(
        "Does it hang on a detail of the implementation?",
        "A difference of Gaussians looks much like one of softmaxes, but not to a network. "
        "A hexagonal pattern is made of waves of one length. A target can give it if it has its "
        "largest power at such a length, which is a ring in its spectrum.",
        ("R6a", "R6b", "R6c"),
    ),
    "T": Wording(
        "Can one tell in advance?",
        "Theory looks at the target alone, before any network is trained. If the power of the "
        "target peaks on a ring, patterns of that wavelength grow fastest, and lattices of that "
        "spacing are expected. Here the prediction is set beside every network of the study, and "
        "beside maps that grow from the target without a network.",
        ("Ta", "Tb", "Tc"),
    ),
    "C": Wording(
        "What do grid cells need?",
        "A control changes one thing and leaves the rest: it takes away the training, the place "
        "cells in the target, or path integration, or it puts the place cells elsewhere. Networks "
        "that are told the position need not integrate anything. What is left of the grid cells "
        "says what they came from. A lesion silences units of a trained network, and shows what "
        "they were good for.",
        ("Ca", "Cb", "Cc", "Cd", "Ce", "Cf", "Cg"),
    ),
}

STATEMENTS = {
    "R1a": ClaimWords("most networks learn the task", "most networks do not learn the task"),
    "R1b": ClaimWords(
        "few of the networks that learn the task have grid cells",
        "most of the networks that learn the task have grid cells",
    ),
    "R2a": ClaimWords(
        "difference-of-softmaxes targets give more lattice-like units than chance",
        "difference-of-softmaxes targets give no more lattice-like units than chance",
    ),
    "R3a": ClaimWords(
        "the width of the place cells matters more than the seed",
        "the seed matters more than the width of the place cells",
    ),
    "R3b": ClaimWords(
        "a change of the width by 1 cm lowers the share of lattice-like units",
        "a change of the width by 1 cm does not lower the share of lattice-like units",
    ),
    "R4a": ClaimWords(
        "the spacing of the grid cells grows with the width of the place cells",
        "the spacing of the grid cells does not grow with the width of the place cells",
    ),
    "R4d": ClaimWords(
        "most networks have one grid module", "most networks have several grid modules"
    ),
    "R5a": ClaimWords(
        "place cells of mixed widths give fewer lattice-like units than equal ones",
        "place cells of mixed widths give no fewer lattice-like units than equal ones",
    ),
    "R5b": ClaimWords(
        "place cells of mixed widths with several fields give fewer lattice-like units than equal "
        "ones",
        "place cells of mixed widths with several fields give no fewer lattice-like units than "
        "equal ones",
    ),
    "R6a": ClaimWords(
        "an equal-amplitude difference of Gaussians gives fewer lattice-like units than a "
        "difference of softmaxes",
        "an equal-amplitude difference of Gaussians gives no fewer lattice-like units than a "
        "difference of softmaxes",
    ),
    "R6b": ClaimWords(
        "{targets} give more lattice-like units than chance, without a softmax",
        "{targets} give no more lattice-like units than chance, without a softmax",
    ),
    "R6c": ClaimWords(
        "the difference of softmaxes has its largest power on a ring",
        "the difference of softmaxes has no ring in its spectrum",
    ),
    "Ta": ClaimWords(
        "targets with a ring in their spectrum give more lattice-like units than the others",
        "targets with a ring in their spectrum give no more lattice-like units than the others",
    ),
    "Tb": ClaimWords(
        "the spectrum predicts the spacing of the grid cells better than guesses do",
        "guesses predict the spacing of the grid cells as well as the spectrum does",
    ),
    "Tc": ClaimWords(
        "even without a network, patterns that grow from targets with a ring in their spectrum "
        "form more lattices than those that grow from others",
        "without a network, patterns that grow from targets with a ring in their spectrum form no "
        "more lattices than those that grow from others",
    ),
    "Ca": ClaimWords("untrained networks have no grid cells", "untrained networks have grid cells"),
    "Cb": ClaimWords(
        "training raises the share of lattice-like units",
        "training does not raise the share of lattice-like units",
    ),
    "Cc": ClaimWords(
        "Cartesian targets give fewer lattice-like units than a difference of softmaxes",
        "Cartesian targets give no fewer lattice-like units than a difference of softmaxes",
    ),
    "Cd": ClaimWords(
        "networks that are told the position have more lattice-like units than chance",
        "networks that are told the position have no more lattice-like units than chance",
    ),
    "Ce": ClaimWords(
        "path integration raises the share of lattice-like units",
        "path integration does not raise the share of lattice-like units",
    ),
    "Cf": ClaimWords(
        "without the units of the highest grid scores, networks lose more of their position than "
        "without as many others",
        "without the units of the highest grid scores, networks lose less of their position than "
        "without as many others",
    ),
    "Cg": ClaimWords(
        "place cells on a raster raise the share of lattice-like units",
        "place cells on a raster do not raise the share of lattice-like units",
    ),
}

# Of one target or several, by verdict: that they give no grid cells.
ABSENCES = (
    ("is shown to give none", "are shown to give none"),
    ("gives some", "give some"),
    ("remains open", "remain open"),
)
# Why a verdict stays open however narrow the interval is.
_TOO_FEW_SURROGATES = (
    "With so few surrogates lattices can go unnoticed, and that no unit is significant proves "
    "nothing."
)
UNDECIDED = {
    "R1b": _TOO_FEW_SURROGATES,
    "R1c": _TOO_FEW_SURROGATES,
    "R4c": "A spread as wide as this may have other causes than several modules.",
    "": "An estimate like this decides nothing, however narrow its interval is.",
}
BLIND = (
    "In maps like these, perfect lattices would hardly pass the test either, so it cannot show "
    "that there are none."
)

FIGURES = {
    "result_1": "Two panels with one row per target and one for all networks. Left: share of "
    "networks with a low position error. Right: of these, the share that has a unit with a high "
    "grid score, beside the share that chance would give. Diamonds and triangles are the talks' "
    "shares.",
    "result_2": "One row per target: the activity of one cell of the target over the box, and the "
    "rate maps of the eight trained units with the highest grid scores, with their scores.",
    "result_3": "One panel per grid score: share of units above that score against the width of "
    "the place cells, one dot per network, with chance and the talk's values.",
    "result_4": "Periods of the units at each width of the place cells; the period of each network "
    "against the width; and the spread of the periods within each network.",
    "result_5": "Share of units above each grid score for ever less uniform place cells, and the "
    "share above the threshold of grid-like units, one dot per network, beside chance.",
    "result_6": "Share of units above each grid score for differences of Gaussians and of "
    "softmaxes; the activity of one cell of each target against distance; and the spectrum of each "
    "target, where a ring predicts a lattice.",
    "predictions": "Measured against predicted period, one dot per network, beside the line where "
    "they are equal; the share of units with small p-values, for networks whose target has a ring "
    "and for others; and the ROC curve of that prediction.",
    "controls": "One row for the reference networks and one for each control: share of grid-like "
    "units and share of active units with small p-values, one dot per network, beside chance. "
    "Below: the position error of each reference network with a tenth of its units silenced.",
}
