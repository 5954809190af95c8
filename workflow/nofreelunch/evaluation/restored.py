"""Trained networks that run again, of any kind of published model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import xarray as xr
from torch import Tensor

from nofreelunch.evaluation.rate_maps import Measured


class Restored(ABC):
    """Networks of one kind with their trained weights.

    Args:
        specs: of the networks.
        trained: what training returned.
    """

    @abstractmethod
    def __init__(self, specs: Sequence[Mapping[str, Any]], trained: xr.Dataset) -> None: ...

    @abstractmethod
    def activities(self, walks: xr.Dataset) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Activity on walks, one chunk after another, as `rate_maps.activities` yields it."""

    @abstractmethod
    def decode(self, activity: Tensor) -> Tensor:
        """Positions (network, time, sample, axis), m, by the networks' own outputs."""

    def further(self, measured: Measured, longer: xr.Dataset, error: Tensor) -> dict[str, Any]:
        """Variables of a dataset that only this kind has.

        Args:
            measured: what was measured on walks of training's length; its regression is fitted.
            longer: longer walks.
            error: distances (network, time, sample), m, of decoded from true positions on these.
        """
        return {}
