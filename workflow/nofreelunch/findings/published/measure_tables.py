"""Tables of the same measures for every group of networks of a published model."""

from __future__ import annotations

import math

import xarray as xr

from nofreelunch.findings import verdicts
from nofreelunch.findings.claims import tables
from nofreelunch.findings.published.groups_of_cueva_wei import SHAPES, combinations, factorial
from nofreelunch.findings.published.model_groups import GROUPS
from nofreelunch.findings.published.model_measures import lattice_share, mean
from nofreelunch.scoring.lattice_classes import LATTICES

SCORES = ("mean_60", "mean_90", "own_mean_60", "own_mean_90")
NAMES = {"stillness": "still periods", "noise": "noise", "metabolic_cost": "the cost of activity"}
AGENTS = ("network", "symbol", "edge", "node")

IN_ARENAS = """\
Means over networks. *Error* is that of the network's own outputs and *ridge* that of a regression \
from all units to position; the first number is for walks as long as those of training, the second \
for walks ten times as long. Maps have bins of 5 cm, or those of the paper where that is said. \
Scores are means, and shares are shares, of active units. *Grid-like* \
units have a score at 60° above {threshold:g}; *chance* is the same share of their surrogates, of \
the kind that has more. Hexagonal, square and striped maps stand out from random maps at a level \
of 5 %, for all three together. *Border* units have a border score above 0.5."""

FACTORIAL = """\
*Lattices or bands* is the share of active units whose map is hexagonal, square or striped; chance \
has 5 %. Then the error on walks as long as those of training, and the number of networks."""

ON_GRAPHS = """\
Means over networks. *Links* are steps that reach a visited node by an edge that was never used. \
The symbol agent remembers which symbols there are, but not where, the edge agent where each edge \
leads, and the node agent the symbol of each node. \
*Preserved* is the correlation, over pairs of cells, of their spatial correlations in two \
environments. *Turning* cells g have maps that turn into themselves more than random maps do, at a \
level of 5 %."""


def measures_table(name: str, summary: xr.Dataset) -> str:
    """One row per group of networks of the model `name`, and what the columns are."""
    groups = [(" ".join(label.split()), found) for label, found in GROUPS[name](summary)]
    shown = [(label, found) for label, found in groups if found.sizes["network"]]
    if "link_accuracy" in summary:
        return f"{_on_graphs(shown)}\n\n{ON_GRAPHS}"
    text = IN_ARENAS.format(threshold=summary.attrs["grid_cell_threshold"])
    table = f"{_in_arenas(shown)}\n\n{text}"
    return f"{table}\n\n{_factorial(summary)}" if name == "cueva_wei_2018" else table


def _in_arenas(groups: list[tuple[str, xr.Dataset]]) -> str:
    heads = (
        *("networks", "N", "error (cm)", "ridge (cm)", "score at 60°", "at 90°"),
        *("60°, paper's bins", "90°, paper's bins", "grid-like"),
        *("chance", "p ≤ 0.05", "hexagonal", "square", "striped", "border"),
    )
    rows = []
    for label, networks in groups:
        shares = ("grid_like_share", "chance_share", "small_p_share")
        lattices = [networks["lattice_share"].sel(lattice=lattice) for lattice in LATTICES]
        rows.append(
            (
                label,
                str(networks.sizes["network"]),
                *(_both_errors(networks[error]) for error in ("position_error", "ridge_error")),
                *(_number(networks[score]) for score in SCORES),
                *(_percent(networks[share]) for share in shares),
                *(_percent(share) for share in (*lattices, networks["border_share"])),
            )
        )
    return tables.table(heads, rows)


def _factorial(summary: xr.Dataset) -> str:
    """Lattices and errors of every combination of ingredients in every arena."""
    heads = ("trained with", *(f"lattices or bands, {shape}" for shape in SHAPES))
    rows = []
    for combination, networks in zip(combinations(), factorial(summary), strict=True):
        names = [NAMES[key] for key, value in combination.items() if value]
        rows.append((", ".join(names) or "none of the three", *map(_cell, networks)))
    return f"{tables.table(heads, rows)}\n\n{FACTORIAL}"


def _cell(networks: xr.Dataset) -> str:
    if not networks.sizes["network"]:
        return "–"
    error = 100 * mean(networks["position_error"].sel(walks="trained"))
    share = verdicts.mean_percent(lattice_share(networks)) or "–"
    return f"{share}; {error:.0f} cm; {networks.sizes['network']}"


def _on_graphs(groups: list[tuple[str, xr.Dataset]]) -> str:
    heads = (
        *("networks", "N", "links", "symbol agent", "edge agent", "node agent"),
        *("all steps", "symbol agent", "edge agent", "node agent"),
        *("g preserved", "p preserved", "active g", "turning", "one wave"),
    )
    rows = []
    for label, networks in groups:
        accuracies = [
            networks[name].sel(agent=agent)
            for name in ("link_accuracy", "accuracy")
            for agent in AGENTS
        ]
        of_cells = ("active_share", "turning_share", "one_wave_share")
        shares = [networks[name].mean("size") for name in of_cells]
        rows.append(
            (
                label,
                str(networks.sizes["network"]),
                *map(_percent, accuracies),
                *(_number(networks["preserved"].sel(code=code)) for code in ("g", "p")),
                *map(_percent, shares),
            )
        )
    return tables.table(heads, rows)


def _both_errors(error: xr.DataArray) -> str:
    found = [100 * mean(error.sel(walks=walks)) for walks in ("trained", "longer")]
    return " / ".join(f"{value:.0f}" if math.isfinite(value) else "–" for value in found)


def _number(values: xr.DataArray) -> str:
    value = mean(values)
    return f"{value:.2f}".replace("-", "−") if math.isfinite(value) else "–"


def _percent(share: xr.DataArray) -> str:
    return verdicts.mean_percent(share.values) or "–"
