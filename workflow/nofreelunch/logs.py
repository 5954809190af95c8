"""Logging of one job: to its log file and to the terminal, with errors as one line."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def job(path: str | Path) -> Iterator[None]:
    """Log to `path` and the terminal while the job's block runs.

    What a user can mend (ValueError, a refused file) ends the job with one line; anything else is a
    fault of the program, whose traceback goes to the log file.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    handlers = [logging.FileHandler(path, mode="w"), logging.StreamHandler(sys.stderr)]
    form = "%(asctime)s %(levelname)s %(message)s"
    logging.basicConfig(
        level=logging.INFO, format=form, datefmt="%H:%M:%S", handlers=handlers, force=True
    )
    logging.captureWarnings(True)
    log = logging.getLogger("nofreelunch")
    try:
        yield
    except (ValueError, OSError) as error:
        log.error("%s", " ".join(str(error).split()))
        handlers[0].stream.write(traceback.format_exc())
        sys.exit(1)
