"""The progress line of a training job. It only prints, so editing it retrains nothing."""

from __future__ import annotations

import logging
import time

import numpy as np

from nofreelunch.training.curves import Curves

SECONDS_BETWEEN_LINES = 15.0
SECONDS_BETWEEN_LOOKS = 1.0  # between updates of the live line, which a terminal overwrites
LIVE = logging.INFO - 5  # level of the live line, below the level of log files
logging.addLevelName(LIVE, "INFO")

log = logging.getLogger(__name__)


class Progress:
    """Says how far a job is: a line in the log now and then, and a live line in between."""

    def __init__(self, name: str, curves: Curves, first: int) -> None:
        self.name, self.curves = name, curves
        # Networks of a stack may have different numbers of steps: count those of all networks.
        self.first = int(np.minimum(curves.steps, first).sum())
        self.begun = self.said = self.looked = time.monotonic()

    def tell(self, step: int) -> None:
        """Report after `step` if it is time; the last step of a job is always reported."""
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
        error = _latest(curves.error)  # NaN of networks that are asked for no position
        decoded = f"position error {100 * error:.1f} cm, " if np.isfinite(error) else ""
        networks = int((curves.steps >= done).sum())  # those that took this step
        return (
            f"{self.name}: step {done:,}/{curves.steps.max():,}, "
            f"{'median ' * (len(curves.steps) > 1)}loss {_latest(curves.loss):.4f}, "
            f"{decoded}{speed:.1f} networks·steps/s ({networks} network{'s' * (networks > 1)}), "
            f"{_duration(left / max(speed, 1e-9))} left"
        )


def _latest(values: np.ndarray) -> float:
    """Median over networks of their last finite values; NaN if there are none."""
    latest = [row[np.isfinite(row)][-1:] for row in values]
    known = np.concatenate(latest) if latest else np.empty(0)
    return float(np.median(known)) if known.size else float("nan")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
