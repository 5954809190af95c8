"""What the explorer's page says about a unit: the names, units and meanings of its scores."""

from __future__ import annotations

from typing import NamedTuple

from nofreelunch.scoring.lattice_classes import CLASSES
from nofreelunch.scoring.surrogates import KINDS, LABELS
from nofreelunch.scoring.unit_scores import REASONS

NO_YES = ("no", "yes")
LATTICE = ("measured", *REASONS[1:])
ACTIVITY = ("active", "dead", "constant", "not finite")


class Column(NamedTuple):
    """One number per unit.

    Attributes:
        name: of the variable.
        label: what the page calls it.
        unit: of its values as they are shown; "" for pure numbers.
        digits: decimals that are shown.
        meaning: one sentence.
        words: what the values 0, 1 ... stand for; empty for numbers.
    """

    name: str
    label: str
    unit: str
    digits: int
    meaning: str
    words: tuple[str, ...] = ()


COLUMNS = (
    Column(
        "score_60",
        "grid score",
        "",
        2,
        "Lowest correlation of the ring with itself at 60° and 120°, less the highest at 30°, 90° "
        "and 150° (Schaeffer et al. 2022).",
    ),
    Column(
        "score_60_mean",
        "grid score by means",
        "",
        2,
        "The same with means in place of extremes (Banino et al. 2018).",
    ),
    Column("score_90", "square score", "", 2, "Correlation at 90°, less the mean at 45° and 135°."),
    Column(
        "gridness",
        "gridness",
        "",
        2,
        "As the grid score, in a ring that grows from the centre field (Langston et al. 2010).",
    ),
    Column(
        "p_value",
        "p-value",
        "",
        4,
        "The larger p-value of all kinds of surrogates: the unit has to beat each.",
    ),
    *(
        Column(
            f"p_{kind}",
            f"p-value, {LABELS[kind]}",
            "",
            4,
            "(1 + surrogates that score at least as high) / (1 + surrogates).",
        )
        for kind in KINDS
    ),
    Column(
        "significant",
        "significant",
        "",
        0,
        "The p-value passes at a false-discovery rate of 5 % among the active units.",
        NO_YES,
    ),
    Column(
        "null_95", "95th percentile of chance", "", 2, "Score that 5 % of the surrogates exceed."
    ),
    Column("surrogate_count", "surrogates of each kind", "", 0, "How many were made."),
    Column("period", "period", "m", 2, "Mean distance of the lattice's six nearest points."),
    Column("orientation", "orientation", "°", 0, "Of the six points, counter-clockwise from x."),
    Column(
        "ellipticity", "ellipticity", "", 2, "Axis ratio of the ellipse through the six points."
    ),
    Column(
        "quality",
        "lattice quality",
        "",
        2,
        "Lowest correlation at the six, less the highest between them.",
    ),
    Column("fit", "lattice fit", "", 2, "How alike the whole autocorrelogram and the lattice are."),
    Column("lattice_reason", "lattice", "", 0, "Measured, or why there is none.", LATTICE),
    Column(
        "lattice_class", "lattice class", "", 0, "Which score is farthest above chance.", CLASSES
    ),
    Column("lattice_p_value", "p-value of the class", "", 3, "Allows for three ways to pass."),
    Column("ring_60", "ring, outer radius", "of the side", 2, "Of the ring that scored highest."),
    Column("field_count", "firing fields", "", 0, "Separate fields; those cut by a wall count."),
    Column("stability", "stability", "", 2, "Correlation of the maps of two halves of the walks."),
    Column(
        "spatial_information", "spatial information", "bits per spike", 2, "Skaggs et al. (1993)."
    ),
    Column("sparsity", "sparsity", "", 2, "About the share of the box where the unit fires."),
    Column("border_score", "border score", "", 2, "Solstad et al. (2008), −1 to 1."),
    Column("lowest", "lowest rate", "", 3, "Of the rate map, in the map's own unit."),
    Column("highest", "highest rate", "", 3, "Of the rate map, in the map's own unit."),
    Column(
        "activity",
        "activity",
        "",
        0,
        "Dead: zero everywhere. Constant: alike everywhere.",
        ACTIVITY,
    ),
)
