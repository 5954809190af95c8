"""Logging of one job: to its log file and to the terminal, with errors as one line."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nofreelunch import datasets


@contextmanager
def job(path: str | Path, inputs: Iterable[str | Path] = ()) -> Iterator[None]:
    """Log to `path` and the terminal while the job's block runs.

    What a user can mend (ValueError, a refused or damaged file) ends the job with one line;
    anything else is a fault of the program and is raised. The traceback goes to the log file.

    Args:
        path: the log file, made anew.
        inputs: the netCDF files that the block reads.
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
    except Exception as error:
        handlers[0].stream.write(traceback.format_exc())
        handlers[0].flush()
        if isinstance(error, RuntimeError):  # what netCDF4 raises where a file is damaged inside
            error = datasets.find_damage(inputs) or error
        if not isinstance(error, ValueError | OSError):
            raise
        log.error("%s", " ".join(str(error).split()))
        sys.exit(1)
