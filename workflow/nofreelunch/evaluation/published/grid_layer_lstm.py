"""The LSTMs of Sorscher et al. as they run again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nofreelunch.evaluation.published.rnn import Encoders
from nofreelunch.networks.published import sorscher


class GridLayerLSTMs(Encoders):
    """LSTMs with a dense layer of another size after them."""

    def layout(self, spec: Mapping[str, Any], outputs: int) -> Mapping[str, tuple[int, int]]:
        """As in `Encoders`."""
        return sorscher.weight_shapes(spec, outputs)


RESTORED = GridLayerLSTMs
