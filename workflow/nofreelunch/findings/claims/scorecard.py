"""The scorecard: published numbers of single configurations, beside a study's own networks.

A row is one entry of `ROWS`. Its networks have the published target, cell and activation; their
sizes and budgets may be others, and are named. A number is compared with the published range, which
is the spread of the published networks or the precision of the reading. The rows are no claims:
networks of another size may well differ, so no verdict is drawn from them.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from nofreelunch.findings import comparisons, network_measures, talks, verdicts
from nofreelunch.findings.verdicts import Estimate

DOS: dict[str, Any] = {"target": "difference_of_softmaxes", "cell": "rnn", "activation": "relu"}
REFERENCE = DOS | talks.PUBLISHED_SETTING
# Cross-entropies depend on the number of place cells.
WITH_512 = {"place_cells": 512}

Measure = Callable[[xr.Dataset], np.ndarray]


class Published(NamedTuple):
    """A published quantity, its range from `low` to `high`, and what it is measured on.

    `keys` are those of the networks' specs. `measure` gives one number per network. `scale` and
    `unit` are for printing.
    """

    id: str
    quantity: str
    low: float
    high: float
    keys: Mapping[str, Any]
    measure: Measure
    scale: float = 1.0
    unit: str = ""


def above(threshold: float) -> Measure:
    """The share of all units with a grid score above `threshold`."""
    return lambda networks: network_measures.share_above(networks, threshold)


def loss(networks: xr.Dataset) -> np.ndarray:
    """The final loss, nats for cross-entropies."""
    return networks["loss"].values.astype(float)


def position_error(networks: xr.Dataset) -> np.ndarray:
    """The mean position error over 20 steps, m."""
    return networks["position_error"].sel(horizon=20).values.astype(float)


def highest_score(networks: xr.Dataset) -> np.ndarray:
    """The highest grid score of any unit."""
    return networks["max_score"].values.astype(float)


def dead_share(networks: xr.Dataset) -> np.ndarray:
    """The share of units that never fire."""
    return (networks["units_dead"] / networks["units_present"]).values.astype(float)


def passes(networks: xr.Dataset) -> np.ndarray:
    """1 where the highest grid score is above 0.8, else 0."""
    return np.where(np.isfinite(highest_score(networks)), highest_score(networks) > 0.8, np.nan)


WIDE = REFERENCE | {"place_cell_width": 0.20}
DOG = REFERENCE | {
    "target": "difference_of_gaussians",
    "place_cell_width": 0.10,
    "surround": {"width_ratio": 1.5},
}
MILD, STRONG = DOS | talks.MILD_SETTING, DOS | talks.STRONG_SETTING
PERCENT: tuple[float, str] = (100, " %")
GAUSSIAN_LOSSES = {
    0.08: 2.3355, 0.10: 2.7509, 0.12: 3.0870, 0.14: 3.3682,
    0.16: 3.6093, 0.20: 4.0066, 0.24: 4.3220, 0.28: 4.5807,
}  # fmt: skip

ROWS = (
    Published("A2", "DoS, σ 0.12 m: cross-entropy", 6.098, 6.106, REFERENCE | WITH_512, loss),
    Published(
        "A2", "DoS, σ 0.12 m: position error", 0.0422, 0.0458, REFERENCE, position_error, 100, " cm"
    ),
    Published("A3", "DoS, σ 0.20 m: cross-entropy", 5.907, 5.929, WIDE | WITH_512, loss),
    Published(
        "A3", "DoS, σ 0.20 m: position error", 0.0420, 0.0456, WIDE, position_error, 100, " cm"
    ),
    *(
        Published(
            "A4",
            f"Gaussian, σ {width:.2f} m: cross-entropy",
            value - 0.015,
            value + 0.015,
            {**DOS, **WITH_512, "target": "gaussian", "place_cell_width": width},
            loss,
        )
        for width, value in GAUSSIAN_LOSSES.items()
    ),
    Published(
        "A5",
        "Equal-amplitude DoG, σ 0.10 m, s 1.5: cross-entropy",
        6.2212,
        6.2222,
        DOG | WITH_512,
        loss,
    ),
    Published(
        "A5",
        "Equal-amplitude DoG, σ 0.10 m, s 1.5: position error",
        0.076,
        0.079,
        DOG,
        position_error,
        100,
        " cm",
    ),
    Published("B1", "DoS, σ 0.12 m: units > 0.3", 0.12, 0.26, REFERENCE, above(0.3), *PERCENT),
    Published("B1", "DoS, σ 0.12 m: units > 0.8", 0.044, 0.049, REFERENCE, above(0.8), *PERCENT),
    Published("B1", "DoS, σ 0.12 m: units > 1.15", 0.004, 0.014, REFERENCE, above(1.15), *PERCENT),
    Published(
        "B3", "DoS, σ 0.12 m: highest score of a network", 1.01, 1.37, REFERENCE, highest_score
    ),
    Published(
        "B4", "DoS, σ 0.12 m: units that never fire", 0.18, 0.24, REFERENCE, dead_share, *PERCENT
    ),
    Published("C1", "DoS, mixed widths: units > 0.3", 0.088, 0.094, MILD, above(0.3), *PERCENT),
    Published("C1", "DoS, mixed widths: units > 0.8", 0.011, 0.013, MILD, above(0.8), *PERCENT),
    Published("C1", "DoS, mixed widths: units > 1.15", 0.0, 0.0, MILD, above(1.15), *PERCENT),
    Published("C2", "DoS, realistic: units > 0.25", 0.006, 0.012, STRONG, above(0.25), *PERCENT),
    Published("C2", "DoS, realistic: units > 0.8", 0.0, 0.004, STRONG, above(0.8), *PERCENT),
    Published(
        "G1",
        "Gaussian, tanh: networks with a score > 0.8",
        0.73,
        0.93,
        {"target": "gaussian", "cell": "rnn", "activation": "tanh"},
        passes,
        *PERCENT,
    ),
)


def rows(summary: xr.Dataset) -> Iterator[tuple[str, ...]]:
    """The rows of which the study has networks, as text. Of several recipes the nearest counts.

    Label, quantity, published range, this study's mean with its interval, how they compare, and the
    networks.
    """
    networks = comparisons.trained(summary)
    specs = comparisons.specs(networks)
    for row in ROWS:
        index = [k for k, spec in enumerate(specs) if _agrees(spec, row.keys)]
        wanted = comparisons.defaults(summary) | dict(row.keys)
        chosen = comparisons.nearest_recipe(networks.isel(network=index), wanted)
        estimate = verdicts.over_seeds(row.measure(chosen)) if index else None
        if estimate is not None and math.isfinite(estimate.value):
            yield _text(row, estimate, comparisons.specs(chosen))


def compared(row: Published, estimate: Estimate) -> str:
    """Where a number lies: "inside" the published range, "below" or "above" it.

    "may be inside" if the mean is not, but its interval meets the range.
    """
    if row.low <= estimate.value <= row.high:
        return "inside"
    if estimate.low <= row.high and estimate.high >= row.low:
        return "may be inside"
    return "below" if estimate.value < row.low else "above"


def _agrees(spec: Mapping[str, Any], keys: Mapping[str, Any]) -> bool:
    return all(spec.get(key) == value for key, value in keys.items())


def _text(row: Published, estimate: Estimate, specs: list[dict[str, Any]]) -> tuple[str, ...]:
    def shown(value: float) -> str:
        digits = 1 if row.scale > 1 else 4 if row.measure is loss else 2
        return f"{row.scale * value:.{digits}f}".replace("-", "−")

    here = f"{shown(estimate.value)}{row.unit}"
    if math.isfinite(estimate.low):
        here += f" [{shown(estimate.low)}, {shown(estimate.high)}]"
    published = f"{shown(row.low)} to {shown(row.high)}{row.unit}"
    if row.low == row.high:
        published = f"{shown(row.low)}{row.unit}"
    sizes = {key: sorted({spec[key] for spec in specs}) for key in ("units", "steps")}
    which = ", ".join(
        f"{' or '.join(f'{v:,}' for v in values)} {key}" for key, values in sizes.items()
    )
    count = verdicts.counted(len(specs))
    return row.id, row.quantity, published, here, compared(row, estimate), f"{count}, {which}"
