"""How often noise passes each score, and how often lattices do: writes docs/validation.md.

    python benchmarks/validation.py           # some minutes on one core
    python benchmarks/validation.py --quick   # a few maps of each kind, to see that it runs

All maps and periods are made here, so the right answer is known. Each kind has random numbers of
its own, so adding a kind changes no other.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import logging
import platform
import textwrap
from collections.abc import Sequence
from pathlib import Path

from known_maps import BINS, BOX
from validation_tables import QUICK, TABLES, Counts

PAGE = Path(__file__).parents[1] / "docs" / "validation.md"
PACKAGES = ("nofreelunch", "numpy", "scipy", "scikit-learn", "diptest")

WIDTH = 118  # of a line of the page

INTRODUCTION = f"""# Validation

How often each score is wrong, measured on maps and periods that were made to order, so the right
answer is known. `make validate` writes this page in some minutes on one core. Maps cover a box of
{BOX} m by {BOX} m in {BINS} by {BINS} bins, unless a table says otherwise.

A share is followed by its standard error. The error of k of n is taken to be that of (k + 1) of
(n + 2), so it is not zero where nothing or everything passes.

Kinds of maps without a lattice:

- *Smooth noise*: white noise after a Gaussian filter of the width given. *Rectified*: negative
  rates become 0.
- *Wavelength*: noise of waves in all directions, with wavenumbers within about 15 % of one
  (*narrow*: 5 %). *Cut high*: rates below one standard deviation become 0, which leaves separate
  fields.
- *Plane waves*: two, three or six waves of one length, 0.5 to 1 m, in random directions. They are
  nearly a lattice.
- *Random bumps*: 2 to 14 Gaussian fields anywhere. *Hard-core bumps*: 2 to 7 fields at least 0.42 m
  apart. *Packed bumps*: as many fields as fit at least 0.8 m apart, which leaves them nearly in a
  lattice."""

log = logging.getLogger("benchmarks")


def conditions() -> str:
    """When, and with which versions."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    date = datetime.date.today().isoformat()
    return f"Measured on {date} with Python {platform.python_version()}, {', '.join(versions)}."


def wrapped(text: str) -> str:
    """Text in lines of the page, none of which begins with a percent sign."""
    lines = textwrap.fill(text.replace(" %", "\N{NO-BREAK SPACE}%"), WIDTH, break_on_hyphens=False)
    return lines.replace("\N{NO-BREAK SPACE}", " ")


def page(counts: Counts) -> str:
    """The whole page, in Markdown."""
    parts, measured = [INTRODUCTION], conditions()
    for make in TABLES:
        table = make(counts)
        rule = ["---", *["---:"] * (len(table.head) - 1)]
        lines = [f"| {' | '.join(cells)} |" for cells in (table.head, rule, *table.rows)]
        made = f"{table.made} {measured}"
        parts += [f"## {table.title}", wrapped(table.says), "\n".join(lines), wrapped(made)]
        log.info("%s: %d rows", table.title, len(table.rows))
    return "\n\n".join(parts) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few maps of each kind")
    parser.add_argument("--output", type=Path, default=PAGE, help="the page to write")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    options.output.write_text(page(QUICK if options.quick else Counts()), encoding="utf-8")


if __name__ == "__main__":
    main()
