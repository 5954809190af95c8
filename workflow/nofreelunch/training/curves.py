"""Learning curves: loss and position error of each network while it trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

CURVE_POINTS = 100  # least number of points on a curve, if there are as many steps


class Curves:
    """Learning curves (network, point) of the networks of one job; NaN where a point is missing.

    Attributes:
        step: training steps done at each point.
        loss: mean loss of the minibatch, without weight decay.
        error: position error on the minibatch, m.
        steps: number of training steps of each network, (network,).
        filled: number of points so far, (network,).
    """

    def __init__(self, steps: Sequence[int]) -> None:
        self.steps = np.array(steps)
        self.interval = np.maximum(1, self.steps // CURVE_POINTS)
        points = int((-(-self.steps // self.interval)).max()) + 1
        self.step, self.loss, self.error = np.full((3, len(steps), points), np.nan)
        self.filled = np.zeros(len(steps), dtype=int)

    def due(self, networks: Sequence[int], step: int) -> np.ndarray:
        """Whether each of `networks` has a point after this step: booleans (network,)."""
        of = np.asarray(networks)
        return (step % self.interval[of] == 0) | (step == self.steps[of] - 1)

    def record(self, networks: Sequence[int], step: int, loss: Tensor, error: Tensor) -> None:
        """Add a point to the curve of each of `networks` that is due."""
        due = self.due(networks, step)
        of = np.asarray(networks)[due]
        where = of, self.filled[of]
        self.step[where] = step + 1
        self.loss[where] = loss.float().cpu().numpy()[due]
        self.error[where] = error.float().cpu().numpy()[due]
        self.filled[of] += 1

    def arrays(self) -> dict[str, np.ndarray]:
        """The curves as arrays, for a checkpoint."""
        return {"step": self.step, "loss": self.loss, "error": self.error, "filled": self.filled}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the curves from what `arrays` returned."""
        for name in self.arrays():
            getattr(self, name)[:] = arrays[name]
