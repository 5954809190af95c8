"""Training that waits after each step for as long as a test wants it to, whatever the machine."""

import os
import shutil
from pathlib import Path

import numpy as np
from checkouts import ROOT, Checkout

STUDY = "interrupted.yaml"  # its name here; one network, so one training job
FILE = "held"
# A job that waits ends when it is asked to stop, or when the tests are gone.
WAITING = f"""

def _is_held():
    try:
        os.kill(int(Path("{FILE}").read_text()), 0)
    except (OSError, ValueError):
        return False
    return True


def _save_and_wait(checkpoints, *given, save=Checkpoints.save):
    save(checkpoints, *given)
    while checkpoints.stop is None and _is_held():
        time.sleep(0.02)


Checkpoints.save = _save_and_wait
"""


def prepare(checkout: Checkout) -> Checkout:
    """Give a checkout the study, a checkpoint after every step, and jobs that can be held there."""
    shutil.copy2(ROOT / "tests" / "studies" / "one_network.yaml", checkout.path(STUDY))
    config = checkout.path("config.yaml")
    config.write_text(config.read_text().replace("checkpoint_minutes: 10", "checkpoint_minutes: 0"))
    module = checkout.path("workflow/nofreelunch/training/checkpoints.py")
    module.write_text(module.read_text() + WAITING)
    return checkout


def hold(checkout: Checkout) -> None:
    """From now on, training waits after its next step."""
    part = checkout.path(f"{FILE}.part")
    part.write_text(str(os.getpid()))
    part.replace(checkout.path(FILE))


def release(checkout: Checkout) -> None:
    """Let training go on to its end."""
    checkout.path(FILE).unlink(missing_ok=True)


def steps_done(folder: Path) -> int:
    """The training step of the checkpoint in a folder; 0 if there is none."""
    for path in folder.glob("*.npz"):
        with np.load(path) as saved:
            return int(saved["done"])
    return 0
