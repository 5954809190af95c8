"""Logging of one job: to its log file and to the terminal, with errors as one line."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nofreelunch import datasets

PACKAGE = Path(__file__).parent


class Terminal(logging.StreamHandler):
    """Writes to a terminal, where a record marked `live` is one line that the next one overwrites.

    Elsewhere it writes what is not `live`, line by line.
    """

    def emit(self, record: logging.LogRecord) -> None:
        live = getattr(record, "live", False)
        if self.stream.isatty():
            self.terminator = "" if live else "\n"
            self.stream.write("\r\x1b[2K")
        elif live:
            return
        super().emit(record)

    def filter(self, record: logging.LogRecord) -> bool | logging.LogRecord:
        live = getattr(record, "live", False)
        return (live or record.levelno >= logging.INFO) and super().filter(record)


@contextmanager
def job(path: str | Path, inputs: Iterable[str | Path] = ()) -> Iterator[None]:
    """Log to `path` and the terminal while the job's block runs.

    What a user can mend (a ValueError of this package, a refused or damaged file) ends the job with
    one line; anything else is a fault of the program and is raised, its traceback in the log file.

    Args:
        path: the log file, made anew.
        inputs: the netCDF files that the block reads.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    handlers = [logging.FileHandler(path, mode="w"), Terminal(sys.stderr)]
    form = "%(asctime)s %(levelname)s %(message)s"
    logging.basicConfig(
        level=logging.INFO, format=form, datefmt="%H:%M:%S", handlers=handlers, force=True
    )
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # a full disk refuses the log too; the terminal still gets it
    log = logging.getLogger("nofreelunch")
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # of every figure's fonts
    handlers[0].setLevel(logging.INFO)
    log.setLevel(logging.DEBUG if sys.stderr.isatty() else logging.INFO)
    try:
        yield
    except Exception as error:
        line = _explain(error, inputs)
        if line is None:
            handlers[0].stream.write(traceback.format_exc())
            handlers[0].flush()
            raise
        log.error("%s", line)
        sys.exit(1)


def _explain(error: Exception, inputs: Iterable[str | Path]) -> str | None:
    """One line on an error that a user can mend; None for a fault of the program."""
    if isinstance(error, RuntimeError):  # what netCDF4 raises where a file is damaged inside
        error = datasets.find_damage(inputs)
    elif isinstance(error, ValueError):
        raised_in = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
        error = error if raised_in.is_relative_to(PACKAGE) else None
    elif not isinstance(error, OSError):
        error = None
    return None if error is None else " ".join(str(error).split())
