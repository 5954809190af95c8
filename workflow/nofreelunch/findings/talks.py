"""Reference numbers of the talks, with which a study is compared.

They come from the two talks of Schaeffer, Khona & Fiete, "No Free Lunch from Deep Learning in
Neuroscience": the ICML 2022 workshop talk (12 slides) and the NeurIPS 2022 talk (20 slides). Where
a slide prints no number, it was digitised from the figure, sometimes by eye. A number from
elsewhere says so in its source.
"""

from __future__ import annotations

from dataclasses import dataclass

WORKSHOP = "workshop talk"
NEURIPS = "NeurIPS talk"
WEB = "web summary of “Disentangling Fact from Grid Cell Fiction”, 2023"
HERE = "computed here"
PUBLISHED_BIN = 0.05  # m; the talk labels periods cm, but they count bins of a 44-bin map of 2.2 m


@dataclass(frozen=True)
class Quantity:
    """A reference number: its value, how to print it, and its source."""

    value: float
    text: str
    source: str


# By target: number of networks, share with error < 10 cm, and share of those with max score > 0.8.
# NeurIPS talk, slides 7 and 8. In the talk, Cartesian "low" has 2 outputs and "high" has many, and
# DoS includes networks with heterogeneous and multiple fields.
SHARES_BY_TARGET = {
    "cartesian": (2516, 0.649, 0.000),
    "high_dim_cartesian": (3793, 0.540, 0.006),
    "high_dim_polar": (1171, 0.721, 0.241),
    "gaussian": (1265, 0.904, 0.082),
    "difference_of_gaussians": (1103, 0.171, 0.160),
    "difference_of_softmaxes": (1689, 0.928, 0.908),
    "softmax_of_differences": (71, 1.000, 0.042),
}
SHARES_OF_ALL = (11608, 0.645, 0.236)
LOW_ERROR = Quantity(0.872, "87.2 % of 415 (error < 6 cm)", f"{WORKSHOP}, slide 6")
GRID_CELLS = Quantity(0.146, "14.6 % of 362 (max score ≥ 1.2)", f"{WORKSHOP}, slide 6")

# % of units above each score, at each of WIDTHS (m): difference of softmaxes, width ratio 2, three
# seeds or fewer. Workshop talk, slide 8.
WIDTHS = (0.08, 0.09, 0.10, 0.11, 0.12, 0.13, 0.14, 0.15, 0.16, 0.17, 0.18, 0.19, 0.20)
UNITS_ABOVE = {
    0.3: (10.7, 5.7, 13.4, 9.1, 14.1, 7.5, 11.3, 16.3, 13.8, 18.0, 19.3, 13.5, 16.5),
    0.8: (0.59, 0.3, 3.95, 0.6, 4.35, 0.42, 1.29, 4.55, 1.57, 2.8, 3.04, 1.57, 2.86),
    1.15: (0, 0, 0.77, 0, 1.35, 0, 0, 1.17, 0.07, 0.12, 0.26, 0.12, 0.21),
}

# Mode of the periods, in bins, at each of WIDTHS. Workshop talk, slide 9.
PERIOD_MODES = (
    *(14.56, 16.67, 17.57, 18.77, 21.47, 21.17, 23.57),
    *(25.98, 27.48, 27.63, 28.23, 28.83, 30.48),
)
PERIODS = tuple(round(bins * PUBLISHED_BIN, 4) for bins in PERIOD_MODES)  # m
PERIOD_SLOPE = Quantity(6.66, "6.66 m per m (line through 13 modes)", f"{WORKSHOP}, slide 9")
MODULE_RATIOS = (1.4, 1.7)  # period ratios of successive grid modules within one animal

GRID_CELL_SCORE = 1.2  # highest score from which a network has grid cells; workshop talk, slide 6
UNIT_THRESHOLD = 0.8  # a grid-like unit of the talks has a grid score above this
# Shares of units above it, and differences of such shares between kinds of networks.
UNITS_DOS = Quantity(0.049, "4.9 % of units, chance not taken off", f"{WORKSHOP}, slide 10")
MILD_LOSS = Quantity(-0.037, "1.2 % against 4.9 % of units", f"{WORKSHOP}, slide 10")
STRONG_LOSS = Quantity(-0.027, "0.1 % against 2.8 % of units", f"{NEURIPS}, slide 14")
DOG_LOSS = Quantity(-0.044, "0 % against 4.4 % of units", f"{WORKSHOP}, slide 11")
NO_UNITS = Quantity(0.0, "about 0 % of units", f"{NEURIPS}, slide 9")
WIDTH_PEAK = Quantity(0.038, "4.4 % at 0.12 m, 0.5 % at 0.11 and 0.13 m", f"{WORKSHOP}, slide 8")
WIDTH_SEEDS = Quantity(
    float("nan"), "peaks at 0.10, 0.12, 0.15 m, each from one seed of three", f"{WORKSHOP}, slide 8"
)
EQUAL_AREA = Quantity(
    0.045, "4 to 5 % near an amplitude ratio of 3.5 to 4, mostly 0 to 1 % at others", WEB
)
THEORY_RATIO = Quantity(
    1.12, "1.01 to 1.23 (13 modes over theory)", f"modes: {WORKSHOP}, slide 9; theory: {HERE}"
)
ONE_MODULE = Quantity(1.0, "one peak of the density at each σ, by eye", f"{WORKSHOP}, slide 9")

# Place cells of the talks' main setting, then those of their Result 5.
PUBLISHED_SETTING = {
    "place_cell_width": 0.12,
    "surround": {"width_ratio": 2.0},
    "fields_per_cell": 1,
}
MILD_SETTING = {
    "place_cell_width": {"uniform": [0.06, 0.18]},
    "surround": {"width_ratio": {"uniform": [1.5, 2.5]}},
    "fields_per_cell": 1,
}
STRONG_SETTING = {
    "place_cell_width": {"uniform": [0.06, 1.0]},
    "surround": {"width_ratio": {"uniform": [1.25, 4.5]}},
    "fields_per_cell": {"poisson": 3},
}
UNITS_BY_SETTING = ((MILD_SETTING, 0.012), (STRONG_SETTING, 0.001))  # slides as of the losses

# Peak of the target's spectrum at width 0.12 m and width ratio 2, cycles per box of 2.2 m.
SPECTRUM_DOS = Quantity(
    2.83, "2.83; a ring of radius about 3", f"{HERE}; {WORKSHOP}, slide 11, by eye"
)
SPECTRUM_DOG = Quantity(1.0, "largest at the box mode, 1", f"{WORKSHOP}, slide 11")

# Widths (m) at which slide 8 has peaks of units above 1.15; see WIDTH_SEEDS.
PEAK_WIDTHS = (0.10, 0.12, 0.15)
# Runs with Gaussian targets in the tables that the authors published with their program: how many
# finished, how many of their settings differ in more than dropout, and the intraclass correlation
# of the highest score of runs of one setting. And how far losses lie apart: the median standard
# deviation within a setting, and the standard deviation between settings.
COPIED_RUNS, DISTINCT_RUNS, COPIES_ALIKE = 661, 176, 0.86
LOSS_WITHIN, LOSS_BETWEEN = 5e-5, 0.70

# What the talks say of theory, and what controls are set against.
PREDICTED_RING = Quantity(
    float("nan"), "a ring in the spectrum of the target that works", f"{NEURIPS}, slides 15 and 16"
)
PREDICTED_PERIOD = Quantity(
    float("nan"), "a formula for the period, set beside no network", f"{NEURIPS}, slides 15 and 16"
)
PATTERNS = Quantity(
    float("nan"), "hexagonal patterns with a ReLU", "pattern formation of Sorscher et al. 2019"
)
NO_CONTROL = Quantity(float("nan"), "no such networks", "the talks have no such control")
FROM_NOTHING = Quantity(
    UNITS_DOS.value, "4.9 % of trained units; no untrained networks", f"{WORKSHOP}, slide 10"
)
WITHOUT_INTEGRATION = Quantity(
    UNITS_DOS.value, "4.9 % of units of networks that path-integrate", f"{WORKSHOP}, slide 10"
)
AT_RANDOM = Quantity(
    UNITS_DOS.value,
    "4.9 % of units with place cells at random; none on a raster",
    f"{WORKSHOP}, slide 10",
)
FROM_COORDINATES = Quantity(-0.049, "about 0 % against 4.9 % of units", f"{NEURIPS}, slide 9")
