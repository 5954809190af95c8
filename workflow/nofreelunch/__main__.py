"""The command line: `nofreelunch score`, `explore`, `plan`, `forecast`, `targets`, `export`, ..."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from nofreelunch import __version__
from nofreelunch.errors import refused

DESCRIPTION = "Score rate maps for grid cells, and plan studies of path-integrating networks."
UNVISITED = ("masked", "zero")  # as in scoring.maps, which is slow to import
EXPORTS = ("csv", "parquet", "nwb", "ndx")  # as in exports.export, which is slow to import


class Parser(argparse.ArgumentParser):
    """Refuses bad arguments in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 when it is done. Exit with 2 and one line on stderr for a user's error."""
    parser = Parser(prog="nofreelunch", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"nofreelunch {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (_add_score, _add_explore, _add_plan, _add_forecast, _add_targets):
        add(commands)
    for add in (_add_export, _add_prune):
        add(commands)
    given = parser.parse_args(arguments)
    try:
        given.run(given)
    except BrokenPipeError:  # the reader has seen enough, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (ValueError, OSError) as error:
        parser.error(" ".join(str(error).split()))
    return 0


def _add_score(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "score",
        help="score a file of rate maps",
        description="Grid scores, gridness and lattice of each rate map in FILE, one row per map.",
        epilog="Example: nofreelunch score maps.nc --bin-size 0.05 --surrogates 200 -o scores.nc",
    )
    _add_maps(command)
    command.add_argument(
        "--unvisited",
        choices=UNVISITED,
        default="masked",
        help="leave unvisited bins (NaN) out, or count them as zero (default: masked)",
    )
    command.add_argument(
        "-o", "--output", metavar="FILE", help="a .nc or .csv file (default: CSV to the terminal)"
    )
    command.set_defaults(run=_score)


def _add_maps(command: argparse.ArgumentParser) -> None:
    """Arguments that say which maps are read and what they are compared with."""
    command.add_argument(
        "file",
        metavar="FILE",
        help="maps (..., y, x): netCDF, npz, npy, MATLAB, NWB, or Parquet with a row per bin",
    )
    command.add_argument(
        "--bin-size",
        type=float,
        metavar="M",
        help="side of a bin, in metres (default: what FILE says)",
    )
    command.add_argument(
        "--variable", metavar="NAME", help="array that holds the maps, if several could"
    )
    command.add_argument(
        "--surrogates",
        type=int,
        default=0,
        metavar="N",
        help="compare each map with at most N surrogates of each kind (default: 0)",
    )
    command.add_argument("--seed", type=int, default=0, help="seed of the surrogates (default: 0)")


def _read_maps(given: argparse.Namespace, unvisited: str = "masked") -> tuple[Any, float]:
    """The maps and their bin size; an output must not replace them."""
    from nofreelunch.scoring import map_files

    if given.output is not None and os.path.exists(given.output):
        if os.path.exists(given.file) and os.path.samefile(given.file, given.output):
            raise refused(given.output, "the file of the maps", "another one")
    maps, bin_size = map_files.read_maps(given.file, given.variable, given.bin_size, unvisited)
    if bin_size is None:
        found = f"none, nor an attribute bin_size in {given.file}"
        raise refused("--bin-size", found, "a positive number of metres")
    return maps, bin_size


def _score(given: argparse.Namespace) -> None:
    from nofreelunch.scoring import map_files, score_maps

    if given.output is not None:
        map_files.check_output(given.output)
    maps, bin_size = _read_maps(given, given.unvisited)
    unvisited = "masked" if "filled_up" in maps.attrs else given.unvisited
    scores = score_maps.score(
        maps, bin_size, unvisited, given.surrogates, given.seed, progress=True
    )
    if given.output is None:
        score_maps.score_table(scores).to_csv(sys.stdout, index=False)
        sys.stdout.flush()
    else:
        map_files.write(scores, given.output)


def _add_explore(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "explore",
        help="make a page of rate maps",
        description="A page that opens in any browser: each rate map in FILE, its autocorrelogram "
        "and its scores. FILE may also be the folder of a study's results.",
        epilog="Example: nofreelunch explore maps.nc --bin-size 0.05 --surrogates 200 -o page.html",
    )
    _add_maps(command)
    command.add_argument(
        "-o", "--output", metavar="FILE", required=True, help="the page, a .html file"
    )
    command.set_defaults(run=_explore)


def _explore(given: argparse.Namespace) -> None:
    from pathlib import Path

    output, source = Path(given.output), Path(given.file)
    if output.suffix.lower() not in (".html", ".htm"):
        raise refused(given.output, f"suffix {output.suffix!r}", ".html")
    if not output.parent.is_dir():
        raise ValueError(f"{output.parent}: no such folder")

    from nofreelunch.explorer import assembling, maps_data, study_data
    from nofreelunch.files import datasets

    if source.is_dir():
        _check_of_folder(given)
        data, blocks = study_data.collect_results(source)
    else:
        maps, bin_size = _read_maps(given)
        data, blocks = maps_data.collect_maps(
            maps, bin_size, source.stem, given.surrogates, given.seed, progress=True
        )
    datasets.write_text(output, assembling.to_html(data, blocks))


def _check_of_folder(given: argparse.Namespace) -> None:
    """Refuse what says how maps are scored, because those of a study have scores."""
    for name, unset in (("bin_size", None), ("variable", None), ("surrogates", 0), ("seed", 0)):
        if (found := getattr(given, name)) != unset:
            option = f"--{name.replace('_', '-')}"
            raise refused(option, f"{found}, for the folder {given.file}", "it with a file of maps")


def _add_plan(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "plan",
        help="show how large a study is",
        description="Networks, cohorts, hours and bytes of STUDY, and networks of each sweep.",
        epilog="Example: nofreelunch plan laptop",
    )
    command.add_argument("study", metavar="STUDY", help="name of a study, or path of its file")
    command.add_argument(
        "--config",
        metavar="FILE",
        help="settings file (default: every key at its default)",
    )
    command.set_defaults(run=_plan)


def _plan(given: argparse.Namespace) -> None:
    from nofreelunch.networks import loss_steps
    from nofreelunch.study import config, estimates, plan

    settings = config.read_config(given.config) if given.config else config.check_config({})
    made, _ = plan.planned(settings | {"study": given.study}, folder="", kept=False, progress=True)
    bins, surrogates = settings["rate_maps"]["bin_size"], settings["scores"]["surrogates"]
    device = settings["compute"]["device"]
    lines = [estimates.describe_plan(made, bins, surrogates, device)]
    lines += [f"  {name}: {len(members):,} networks" for name, members in made.sweeps.items()]
    for line in loss_steps.warnings(network.spec for network in made.networks):
        sys.stderr.write(f"{made.name}: {line}\n")
    sys.stdout.write("\n".join(lines) + "\n")


def _add_forecast(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "forecast",
        help="say which sweeps of a study should give lattices",
        description="What the spectra of the targets of STUDY predict before any training: a "
        "table with a row for each sweep, then a sentence for each.",
        epilog="Example: nofreelunch forecast laptop",
    )
    command.add_argument("study", metavar="STUDY", help="name of a study, or path of its file")
    command.set_defaults(run=_forecast)


def _forecast(given: argparse.Namespace) -> None:
    from nofreelunch.study import sweeps

    study = sweeps.load_study(given.study, progress=True)
    from nofreelunch.theory import forecasts  # torch is slow to import: a bad study is told before

    keys = (*sweeps.TARGET_KEYS, "arena")
    specs = {n.id: {key: n.spec[key] for key in keys if key in n.spec} for n in study.networks}
    targets = {name: [specs[member] for member in ids] for name, ids in study.sweeps.items()}
    found = forecasts.forecast_sweeps(targets, study.trajectories["arena"], progress=True)
    lines = [f"{name}: {sentence}" for name, sentence in found.pop("sentence").items()]
    units = {"radius": "radius (cycles/box)", "period": "period (m)"}
    table = found.rename(columns=units).rename_axis(index=None, columns="sweep").to_string()
    sys.stdout.write("\n".join([table, "", *lines]) + "\n")


def _add_targets(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "targets",
        help="list the targets",
        description="The encodings of position that a network can learn, and the keys of each.",
        epilog="Example: nofreelunch targets",
    )
    command.set_defaults(run=_targets)


def _targets(given: argparse.Namespace) -> None:
    from nofreelunch.task.catalogue import catalogue

    rows = {name: (facts.summary, ", ".join(facts.uses)) for name, facts in catalogue().items()}
    width = max(map(len, rows))
    for name, (summary, keys) in rows.items():
        sys.stdout.write(f"{name:{width}}  {summary}" + f" Keys: {keys}." * bool(keys) + "\n")


def _add_export(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "export",
        help="write the results of a study for other programs",
        description="Write the results in FOLDER as tables of all networks and all units (csv, "
        "parquet), or as a file of rate maps and scores per network (nwb; ndx for the tables of "
        "ndx-rate-maps).",
        epilog="Example: nofreelunch export results/laptop --to csv",
    )
    command.add_argument(
        "folder", metavar="FOLDER", help="results of a study, such as results/laptop"
    )
    command.add_argument(
        "--to", required=True, choices=EXPORTS, metavar="KIND", help=", ".join(EXPORTS)
    )
    command.add_argument(
        "-o", "--output", metavar="FOLDER", help="where to write (default: export in FOLDER)"
    )
    command.add_argument("--overwrite", action="store_true", help="replace files that are there")
    command.set_defaults(run=_export)


def _export(given: argparse.Namespace) -> None:
    from nofreelunch.exports.export import export

    written = export(given.folder, given.to, given.output, given.overwrite, progress=True)
    sys.stdout.write(f"{written[0].parent}: {len(written):,} files\n")


def _add_prune(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "prune",
        help="delete the weights of a finished study",
        description="Delete the weights of the networks in FOLDER. This makes nothing run again.",
        epilog="Example: nofreelunch prune results/laptop",
    )
    command.add_argument(
        "folder", metavar="FOLDER", help="results of a study, such as results/laptop"
    )
    command.set_defaults(run=_prune)


def _prune(given: argparse.Namespace) -> None:
    from nofreelunch.files import pruning

    freed = pruning.prune(given.folder, progress=True)
    sys.stdout.write(f"{given.folder}: {freed / 1e6:,.1f} MB freed\n")


if __name__ == "__main__":
    sys.exit(main())
