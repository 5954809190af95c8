"""Logging of a job, to its file and the terminal; an error that a user can mend is one line."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nofreelunch.files import datasets

PACKAGE = Path(__file__).parents[1]


class Terminal(logging.StreamHandler):
    """Writes to a terminal, where a record marked `live` is a line that the next record overwrites.

    If the stream is no terminal, `live` records are dropped and the others are written line by
    line.
    """

    def emit(self, record: logging.LogRecord) -> None:
        live = getattr(record, "live", False)
        if self.stream.isatty():
            self.terminator = "" if live else "\n"
            self.stream.write("\r\x1b[2K")
        elif live:
            return
        super().emit(record)

    def filter(self, record: logging.LogRecord) -> Any:  # bool; from Python 3.12 on, or record
        live = getattr(record, "live", False)
        return (live or record.levelno >= logging.INFO) and super().filter(record)


@contextmanager
def job(path: str | Path, inputs: Iterable[str | Path] = ()) -> Iterator[None]:
    """Log to `path` and the terminal while the job's block runs.

    An error that the user can mend (a ValueError of this package, a refused or damaged file) ends
    the job with one line. Any other error is a fault of the program: it is raised, and its
    traceback goes to the log file.

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
    logging.raiseExceptions = False  # a full disk refuses the log, but the terminal gets it
    log = logging.getLogger("nofreelunch")
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it reports every font
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
    mendable: Exception | None = None
    if isinstance(error, RuntimeError):  # netCDF4 raises it for a file that is damaged inside
        mendable = datasets.find_damage(inputs)
    elif isinstance(error, ValueError):
        raised_in = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
        mendable = error if raised_in.is_relative_to(PACKAGE) else None
    elif isinstance(error, OSError):
        mendable = error
    return None if mendable is None else " ".join(str(mendable).split())
