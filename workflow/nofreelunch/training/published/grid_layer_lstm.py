"""Training of the LSTMs of Sorscher et al., which learn what the other studies' networks learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nofreelunch.networks.network_stack import NetworkStack
from nofreelunch.networks.published import sorscher
from nofreelunch.training.minibatches import Pool
from nofreelunch.training.training_stack import TrainingStack


class GridLayerStack(TrainingStack):
    """LSTMs with a dense layer of another size after them, while they train."""

    def _drawn(self, cells_of: Sequence[int]) -> NetworkStack:
        return sorscher.initialize(self.specs, cells_of)

    def _shapes(self, place: int) -> Mapping[str, tuple[int, int]]:
        return sorscher.weight_shapes(self.specs[place], self.target.cells_of[place])


STACK, POOL = GridLayerStack, Pool
