"""What the claims of several papers are made of: estimates beyond chance, and texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from nofreelunch.findings import verdicts
from nofreelunch.findings.published.model_measures import WORDS, lattice_share, mean, specs
from nofreelunch.findings.talks import Quantity
from nofreelunch.findings.verdicts import Evidence
from nofreelunch.scoring.significance import LEVEL

# Updates of a paper's networks, by their kind. That of Cueva & Wei does not say how many it has.
UPDATES = {
    "leaky_tanh": 20_000,
    "bottleneck_lstm": 300_000,
    "rnn": 10_000,
    "graph_memory": 50_000,
    "three_layer": 100_000,
}


def said(text: str, source: str) -> Quantity:
    """What a paper says without a number."""
    return Quantity(float("nan"), text, source)


def angles_apart(networks: xr.Dataset) -> np.ndarray:
    """Mean score (network,) at 90 degrees less that at 60."""
    return (networks["mean_90"] - networks["mean_60"]).values


def shares_beyond(share: np.ndarray, others: np.ndarray) -> verdicts.Estimate:
    """Shares of lattices less those of other networks, which count as having 5 % at least.

    How far below chance networks are says only how few waves their maps have.
    """
    return verdicts.of_difference(share, np.maximum(others, LEVEL))


def more_lattices(share: np.ndarray, others: np.ndarray) -> Evidence:
    """That networks have more lattices than others, and than chance; `side`.

    It speaks against this only if they have fewer than the others, whatever chance is.
    """
    fewer = verdicts.of_difference(share, others).high < 0
    rule = verdicts.side(1) if fewer else verdicts.only_for(verdicts.side(1))
    return Evidence(shares_beyond(share, others), "difference", rule)


def lattices_differ(estimate: verdicts.Estimate, share: np.ndarray, where: str) -> Evidence:
    """A difference of shares of lattices, which decides only if the first is above chance."""
    above = verdicts.over_seeds(share - LEVEL).low > 0
    obstacle = "" if above else f"{where} there are no more than by chance."
    return Evidence(estimate, "difference", verdicts.side(1), obstacle)


def both_counted(shares: Sequence[np.ndarray]) -> str:
    """Numbers of networks of shares (network,), as text."""
    return " and ".join(str(share.size) for share in shares) + " networks"


def of_seeds(*sides: xr.Dataset, called: str = "networks") -> str:
    """Numbers of networks and of their seeds, which are the unit of replication, as text."""
    seeds = {spec["seed"] for side in sides for spec in specs(side)}
    counts = " and ".join(str(side.sizes["network"]) for side in sides)
    return f"{counts} {called} of {len(seeds)} seeds"


def means_by_seed(networks: xr.Dataset, values: np.ndarray) -> np.ndarray:
    """Means (seed,) of the known values (network,) of each seed, in the order of the seeds."""
    seeds = np.array([spec["seed"] for spec in specs(networks)])
    of_seeds = [xr.DataArray(values[seeds == seed]) for seed in np.unique(seeds)]
    return np.array([mean(known) for known in of_seeds])


def by_lattice(networks: xr.Dataset) -> str:
    """Mean shares of units with each lattice, as text."""
    parts = [
        f"{verdicts.mean_percent(lattice_share(networks, name)) or 'unknown'} {word}"
        for name, word in WORDS.items()
    ]
    return ", ".join(parts) + "."


def scores_text(networks: xr.Dataset) -> str:
    """Mean scores at both angles, as text."""
    scores = [f"{mean(networks[name]):.2f}".replace("-", "−") for name in ("mean_60", "mean_90")]
    return f"Mean scores: {scores[0]} at 60°, {scores[1]} at 90°."


def errors_text(networks: xr.Dataset) -> str:
    """Mean errors on both lengths of walks, as text."""
    error = networks["position_error"]
    trained, longer = (100 * mean(error.sel(walks=walks)) for walks in ("trained", "longer"))
    return f"Error {trained:.0f} cm on walks as long as training's, {longer:.0f} cm on longer ones."
