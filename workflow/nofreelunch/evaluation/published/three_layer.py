"""The networks of Nayebi et al. as they run again; half of the walks have cues, if any has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from nofreelunch.evaluation.published.rnn import Encoders
from nofreelunch.networks.published import nayebi


class ThreeLayers(Encoders):
    """Three-layer networks of one variant."""

    def __init__(self, specs: Sequence[Mapping[str, Any]], trained: xr.Dataset) -> None:
        super().__init__(specs, trained)
        self.stack = nayebi.stacked(self.stack, specs[0]["variant"])

    def layout(self, spec: Mapping[str, Any], outputs: int) -> Mapping[str, tuple[int, int]]:
        """As in `Encoders`."""
        return nayebi.weight_shapes(spec, outputs)


RESTORED = ThreeLayers
