"""Head-direction cells: von Mises tuning around preferred directions, normalised by a softmax."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from nofreelunch.seeds import PLACE_CELLS, generator

PART = 1  # of the stream of the place cells


class HeadDirections:
    """Head-direction cells of a stack of networks (Banino et al. 2018).

    Cell j has the activity softmax_j(kappa cos(heading - mu_j)): the probability that the heading
    was drawn around mu_j, if all cells are equally probable. Preferred directions mu_j are uniform.

    Args:
        seeds: of the networks; each draws its own preferred directions.
        cells: number of cells of each network.
        concentration: kappa.
        device: where codes are computed.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        cells: int,
        concentration: float,
        device: torch.device | str = "cpu",
    ) -> None:
        drawn = [generator(s, PLACE_CELLS, PART).uniform(-np.pi, np.pi, cells) for s in seeds]
        self.preferred = torch.from_numpy(np.stack(drawn)).float().to(device)  # (network, cell)
        self.concentration = concentration

    def encode(self, heading: Tensor) -> Tensor:
        """Activity (network, ..., cell) at headings (network, ...), rad."""
        shape = len(self.preferred), *[1] * (heading.ndim - 1), -1
        away = heading[..., None] - self.preferred.reshape(shape)
        return torch.softmax(self.concentration * torch.cos(away), -1)
