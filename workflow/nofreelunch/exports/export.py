"""`export`: the results of a study as files that other programs read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import xarray as xr
from tqdm import tqdm

from nofreelunch.errors import DatasetError, check_choice, refused
from nofreelunch.exports import nwb, tables
from nofreelunch.files import datasets
from nofreelunch.files.contract import STAGES
from nofreelunch.files.extras import from_extra

FORMATS = ("csv", "parquet", "nwb", "ndx")
FOLDER = "export"  # in the results


def export(
    results: str | Path,
    to: str,
    folder: str | Path | None = None,
    overwrite: bool = False,
    progress: bool = False,
) -> list[Path]:
    """Write the results of a study as files of another kind; returns their paths.

    >>> from nofreelunch.exports.export import export
    >>> export("results/laptop", to="csv")  # doctest: +SKIP
    [PosixPath('results/laptop/export/per_network.csv'), ...]

    Args:
        results: folder of a study's results.
        to: "csv" or "parquet" for the tables `per_network` and `per_unit`; "nwb" for a file per
            network with its rate maps and scores; "ndx" for the same as tables of ndx-rate-maps.
        folder: where to write; `export` in the results if None. It is made where it is missing.
        overwrite: whether files that are there may be replaced.
        progress: whether to draw a progress bar where the output is a terminal.

    Raises:
        ValueError: one line, for an unknown `to`, a file that is there already, a library that is
            missing, and results that are not complete.
        OSError: if the disk refuses a file.
    """
    check_choice("to", to, FORMATS)
    if not Path(results).is_dir():
        raise refused(results, "no such folder", "the results of a study", DatasetError)
    datasets.refuse_published(results)
    with datasets.load(Path(results) / STAGES["summary"].files, "summary") as opened:
        summary = opened.load()
    folder = Path(results) / FOLDER if folder is None else Path(folder)
    if folder.exists() and not folder.is_dir():
        raise refused(folder, "a file", "a folder")
    write = _write_maps if to in ("nwb", "ndx") else _write_tables
    return write(Path(results), summary, to, folder, overwrite, progress)


def _write_tables(
    results: Path, summary: xr.Dataset, to: str, folder: Path, overwrite: bool, progress: bool
) -> list[Path]:
    """Tables of all networks, all units and all columns."""
    paths = {name: folder / f"{name}.{to}" for name in ("per_network", "per_unit")}
    columns = folder / "columns.csv"
    _check_free([*paths.values()], overwrite)
    if to == "parquet":
        with from_extra("--to parquet"):
            import pyarrow  # noqa: F401
    networks = tables.per_network(summary)
    units = tables.per_unit(results, list(dict.fromkeys(summary["cohort"].values.astype(str))))
    folder.mkdir(parents=True, exist_ok=True)
    write = {"csv": _to_csv, "parquet": _to_parquet}[to]
    _whole(paths["per_network"], lambda part: write(networks, part))
    _whole(paths["per_unit"], lambda part: write(units, part))
    _whole(columns, lambda part: _to_csv(tables.dictionary(networks, units), part))
    return [*paths.values(), columns]


def _to_csv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False)


def _to_parquet(table: pd.DataFrame, path: Path) -> None:
    """A Parquet file in which each column states its units and meaning."""
    import pyarrow
    import pyarrow.parquet

    about = tables.dictionary(table).set_index("column")
    made = pyarrow.Table.from_pandas(table, preserve_index=False)
    fields = [field.with_metadata(dict(about.loc[field.name])) for field in made.schema]
    schema = pyarrow.schema(fields, metadata=made.schema.metadata)
    pyarrow.parquet.write_table(made.cast(schema), path)


def _write_maps(
    results: Path, summary: xr.Dataset, to: str, folder: Path, overwrite: bool, progress: bool
) -> list[Path]:
    """One NWB file per network. Networks of one cohort are in memory at a time."""
    nwb.check_installed(extension=to == "ndx")
    names = summary["network"].values.astype(str)
    paths = {name: folder / f"{name}.nwb" for name in names}
    _check_free([*paths.values()], overwrite)
    cohorts = list(dict.fromkeys(summary["cohort"].values.astype(str)))
    files = [results / STAGES["rate_maps"].files.format(cohort=cohort) for cohort in cohorts]
    for path in files:  # before the first file is written
        datasets.load(path, "rate_maps").close()
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    bar = tqdm(total=len(names), desc="exporting", unit="network", disable=not progress or None)
    for cohort, path in zip(cohorts, files, strict=True):
        scores = tables.of_units(tables.open_scores(results, cohort))
        with datasets.load(path, "rate_maps") as maps:
            for name in maps["network"].values.astype(str):
                network = maps[["rate_map"]].sel(network=name).load()
                rows = scores[scores["network"] == name].reset_index(drop=True)
                nwb.write_nwb(paths[name], network, rows, path.stat().st_mtime, to == "ndx")
                written.append(paths[name])
                bar.update()
    bar.close()
    return written


def _check_free(paths: list[Path], overwrite: bool) -> None:
    """Raise ValueError for the first file that is there, unless it may be replaced."""
    for path in paths:
        if path.exists() and not overwrite:
            raise refused(path, "an earlier file", "another folder (-o), or --overwrite")


def _whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` make a file that gets the name `path` when it is whole."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
