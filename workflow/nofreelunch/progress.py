"""Learning curves, and the progress line that people read while they wait."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

CURVE_POINTS = 100  # points on a learning curve, at least, where there are as many steps
SECONDS_BETWEEN_LINES = 15.0
SECONDS_BETWEEN_LOOKS = 1.0  # of the line that a terminal shows and overwrites
LIVE = logging.INFO - 5  # level of that line, below what log files take
logging.addLevelName(LIVE, "INFO")

log = logging.getLogger(__name__)


class Curves:
    """Learning curves (network, point) of the networks of one job; NaN where there is no point.

    Attributes:
        step: training steps done at each point.
        loss: mean loss of the minibatch, without weight decay.
        error: position error on the minibatch, m.
    """

    def __init__(self, steps: Sequence[int]) -> None:
        self.steps = np.array(steps)
        self.interval = np.maximum(1, self.steps // CURVE_POINTS)
        points = int((-(-self.steps // self.interval)).max()) + 1
        self.step, self.loss, self.error = np.full((3, len(steps), points), np.nan)
        self.filled = np.zeros(len(steps), dtype=int)

    def due(self, networks: Sequence[int], step: int) -> np.ndarray:
        """Which of `networks` have a point after this step (False or True for each)."""
        of = np.asarray(networks)
        return (step % self.interval[of] == 0) | (step == self.steps[of] - 1)

    def record(self, networks: Sequence[int], step: int, loss: Tensor, error: Tensor) -> None:
        """Add a point to the curves of those of `networks` that are due."""
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
        """The inverse of `arrays`."""
        for name in self.arrays():
            getattr(self, name)[:] = arrays[name]


class Progress:
    """Says how far a job is: a line in the log now and then, one that is overwritten in between."""

    def __init__(self, name: str, curves: Curves, first: int) -> None:
        self.name, self.curves = name, curves
        # Networks of a stack may have fewer steps than others: count the steps of all of them.
        self.first = int(np.minimum(curves.steps, first).sum())
        self.begun = self.said = self.looked = time.monotonic()

    def tell(self, step: int) -> None:
        """Report after `step`, if it is time; the last step of a job is always reported."""
        now = time.monotonic()
        last = step + 1 == self.curves.steps.max()
        if not last and now - self.looked < SECONDS_BETWEEN_LOOKS:
            return
        self.looked = now
        if last or now - self.said >= SECONDS_BETWEEN_LINES:
            self.said = now
            log.info("%s", self._line(step + 1, now - self.begun))
        else:
            log.log(LIVE, "%s", self._line(step + 1, now - self.begun), extra={"live": True})

    def _line(self, done: int, seconds: float) -> str:
        curves = self.curves
        made = np.minimum(curves.steps, done).sum() - self.first
        left = (curves.steps - np.minimum(curves.steps, done)).sum()
        speed = made / max(seconds, 1e-9)
        networks = int((curves.steps >= done).sum())  # that took part in this step
        return (
            f"{self.name}: step {done:,}/{curves.steps.max():,}, "
            f"{'median ' * (len(curves.steps) > 1)}loss {_latest(curves.loss):.4f}, "
            f"position error {100 * _latest(curves.error):.1f} cm, "
            f"{speed:.1f} networks·steps/s ({networks} network{'s' * (networks > 1)}), "
            f"{_duration(left / max(speed, 1e-9))} left"
        )


def _latest(values: np.ndarray) -> float:
    """Median over networks of their last finite values; NaN where there are none."""
    latest = [row[np.isfinite(row)][-1:] for row in values]
    known = np.concatenate(latest) if latest else np.empty(0)
    return float(np.median(known)) if known.size else float("nan")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
