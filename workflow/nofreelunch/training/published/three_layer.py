"""Training of the networks of Nayebi et al., as the other studies' networks train."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nofreelunch.networks.network_stack import NetworkStack
from nofreelunch.networks.published import nayebi
from nofreelunch.training.minibatches import Pool
from nofreelunch.training.training_stack import TrainingStack


class ThreeLayerStack(TrainingStack):
    """Three-layer networks of one variant, while they train."""

    def _drawn(self, cells_of: Sequence[int]) -> NetworkStack:
        return nayebi.initialize(self.specs, cells_of)

    def _shapes(self, place: int) -> Mapping[str, tuple[int, int]]:
        return nayebi.weight_shapes(self.specs[place], self.target.cells_of[place])


STACK, POOL = ThreeLayerStack, Pool
