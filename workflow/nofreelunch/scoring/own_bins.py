"""Grid scores of maps that have the bins of a paper, beside those that all models share."""

from __future__ import annotations

import numpy as np

from nofreelunch.scoring.grid_scores import grid_scores


def own_scores(maps: np.ndarray, bin_size: float) -> dict[str, tuple]:
    """`own_60` and `own_90` (network, unit) of maps (network, unit, y, x) with a paper's bins."""
    maps = np.where(np.isinf(maps), np.nan, maps)  # of a network that diverged
    scores = grid_scores(maps).sel(definition="min_max")
    about = {"bin_size": bin_size}
    return {
        f"own_{angle}": (("network", "unit"), scores[f"score_{angle}"].values, about)
        for angle in (60, 90)
    }
