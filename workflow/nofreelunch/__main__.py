"""The command line: `python -m nofreelunch score FILE`, `python -m nofreelunch prune FOLDER`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from nofreelunch import pruning, score_maps
from nofreelunch.autocorrelograms import UNVISITED

EXAMPLE = "python -m nofreelunch score maps.nc --bin-size 0.05 --surrogates 200 -o scores.nc"


class Parser(argparse.ArgumentParser):
    """Refuses bad arguments in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when it is done, 2 with one line on stderr where the user can mend it."""
    parser = Parser(prog="nofreelunch", description="Grid cells in networks and in recordings.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    score = commands.add_parser(
        "score",
        help="score a file of rate maps",
        description="Grid scores, gridness and lattices of the rate maps in FILE, one row per map.",
        epilog=f"Example: {EXAMPLE}",
    )
    score.add_argument("file", metavar="FILE", help="netCDF or npz with maps (..., y, x)")
    score.add_argument("--bin-size", type=float, metavar="M", help="side of a bin in metres")
    score.add_argument("--variable", metavar="NAME", help="which array holds the maps, if several")
    score.add_argument(
        "--unvisited", choices=UNVISITED, default="masked", help="what NaN counts as (masked)"
    )
    score.add_argument(
        "--surrogates", type=int, default=0, metavar="N", help="compare with N by chance (0: none)"
    )
    score.add_argument("--seed", type=int, default=0, help="of the surrogates (0)")
    score.add_argument("-o", "--output", metavar="FILE", help=".nc or .csv (CSV to the terminal)")
    score.set_defaults(run=_score)
    prune = commands.add_parser(
        "prune",
        help="drop the weights of a finished study",
        description="Removes the weights of the networks in FOLDER; nothing runs again.",
    )
    prune.add_argument("folder", metavar="FOLDER", help="results of a study, as results/laptop")
    prune.set_defaults(run=_prune)
    given = parser.parse_args(arguments)
    try:
        given.run(given)
    except BrokenPipeError:  # as where `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (ValueError, OSError) as error:
        parser.error(" ".join(str(error).split()))
    return 0


def _score(given: argparse.Namespace) -> None:
    if given.output is not None:
        score_maps.check_output(given.output)
        if os.path.exists(given.output) and os.path.samefile(given.file, given.output):
            raise ValueError(f"{given.output}: found the file of the maps, allowed: another one")
    maps, bin_size = score_maps.read(given.file, given.variable, given.bin_size)
    if bin_size is None:
        raise ValueError(
            f"--bin-size: found none, nor an attribute bin_size in {given.file}, "
            "allowed: a positive number of metres"
        )
    scores = score_maps.score(maps, bin_size, given.unvisited, given.surrogates, given.seed)
    if given.output is None:
        score_maps.to_table(scores).to_csv(sys.stdout, index=False)
        sys.stdout.flush()
    else:
        score_maps.write(scores, given.output)


def _prune(given: argparse.Namespace) -> None:
    freed = pruning.prune(given.folder)
    sys.stdout.write(f"{given.folder}: {freed / 1e6:,.1f} MB freed\n")


if __name__ == "__main__":
    sys.exit(main())
