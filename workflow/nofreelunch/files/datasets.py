"""Writing and reading netCDF files: each is written whole or not at all, and records its origin."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import netCDF4
import numpy as np
import xarray as xr

from nofreelunch import __version__
from nofreelunch.errors import DatasetError, refused
from nofreelunch.files import access
from nofreelunch.files.contract import LAYOUT, STAGES
from nofreelunch.files.meanings import describe

RECORDED = ("numpy", "scipy", "torch", "xarray", "netCDF4", "snakemake")


def save(dataset: xr.Dataset, path: str | Path, stage: str, code: str) -> None:
    """Write `dataset` to `path` as one compressed netCDF4 file, whole or not at all.

    The file is written under another name and moved to `path` when it is whole. Its attributes
    say what is in it, by the CF conventions, and record what made it; see `describe` and
    `provenance`.

    Args:
        dataset: what to write.
        path: where.
        stage: a key of `contract.STAGES`.
        code: fingerprint of the code that made the dataset.

    Raises:
        DatasetError: where the disk refuses the file; an earlier file at `path` then stays.
    """
    replace(describe(dataset, stage).assign_attrs(provenance(stage, code)), path)


def replace(dataset: xr.Dataset, path: str | Path) -> None:
    """Write a dataset, as `save` does, whose attributes already record what made it."""
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    # Encodings from other files, such as lengths of strings, do not fit this file.
    labelled = dataset.drop_encoding()
    encoding = {name: _encoding(array) for name, array in labelled.variables.items()}
    for name in labelled.dims:  # CF: coordinates have no missing values
        if name in encoding and labelled[name].dtype.kind == "f":
            encoding[name]["_FillValue"] = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        labelled.to_netcdf(part, engine="netcdf4", encoding=encoding)
        with xr.open_dataset(part, engine="netcdf4", cache=False) as written:
            found = content(written)
        with netCDF4.Dataset(part, "a") as file:
            file.setncattr("content", found)
        os.replace(part, path)
    except (OSError, RuntimeError) as error:
        raise _not_written(path, part, error) from error
    finally:
        part.unlink(missing_ok=True)


def refuse_published(results: str | Path) -> None:
    """Raise DatasetError for results of published models, which each have a folder of their own."""
    if (Path(results) / "models").is_dir():
        found, allowed = "a study of published models", "a study of sweeps"
        raise refused(f"{results}", f"{found}, with files in models", allowed, DatasetError)


def load(path: str | Path, stage: str) -> xr.Dataset:
    """Open a file of `stage`; values are read when they are needed.

    Raises:
        DatasetError: one line, for a file that is missing or damaged, is of another stage or
            layout, or lacks a variable.
    """
    path = Path(path)
    if not path.exists():
        raise DatasetError(f"{path}: no such file; `snakemake` makes it")
    try:
        dataset = xr.open_dataset(path, engine="netcdf4")
    except (OSError, RuntimeError, ValueError) as error:
        raise _unreadable(path, error) from error
    found = (dataset.attrs.get("stage"), dataset.attrs.get("layout"))
    if found != (stage, LAYOUT):
        dataset.close()
        raise refused(
            f"{path}",
            f"stage {found[0]!r} of layout {found[1]}",
            f"{stage!r} of layout {LAYOUT}; move the results of another version away and run again",
            DatasetError,
        )
    missing = [name for name in STAGES[stage].variables if name not in dataset.variables]
    if missing:
        dataset.close()
        raise DatasetError(f"{path}: no {', '.join(missing)}; delete it and run again")
    return dataset


def expect(dataset: xr.Dataset, networks: Sequence[str], code: str) -> xr.Dataset:
    """The dataset, if it holds these networks, was made by this code and is as it was written.

    This refuses files that were edited or copied from elsewhere.

    Raises:
        DatasetError: one line, with the reason.
    """
    source = dataset.encoding.get("source", "the dataset")
    found = [str(name) for name in dataset["network"].values]
    if found != list(networks):
        raise refused(
            f"{source}",
            f"networks {', '.join(found[:3])} ...",
            f"{', '.join(networks[:3])} ..., those of the study; delete it and run again",
            DatasetError,
        )
    if dataset.attrs.get("code_fingerprint") != code:
        raise refused(
            f"{source}",
            f"code {dataset.attrs.get('code_fingerprint')}",
            f"{code}; it was made by other code: delete it and run again, or check that one out",
            DatasetError,
        )
    return verify(dataset)


def verify(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset, if its values are those that `save` wrote.

    Raises:
        DatasetError: one line, if somebody edited the file.
    """
    if dataset.attrs.get("content") != content(dataset):
        source = dataset.encoding.get("source", "the dataset")
        raise DatasetError(
            f"{source}: found other values than were written, was it edited? Delete it and run "
            "again to have it made anew"
        )
    return dataset


def content(dataset: xr.Dataset) -> str:
    """Digest of all values, names and dimensions: sixteen hexadecimal digits.

    Compression, attributes and the order of variables do not count. Values are read one network at
    a time, to bound memory.
    """
    digest = hashlib.sha256()
    for name in sorted(map(str, dataset.variables)):
        variable = dataset.variables[name]
        digest.update(f"{name} {variable.dims} {variable.shape}".encode())
        rows = range(variable.sizes.get("network", 0)) if variable.dims[:1] == ("network",) else ()
        for part in [variable[k] for k in rows] or [variable]:
            values = np.asarray(part.values)
            if values.dtype.kind in "OUS":
                digest.update(json.dumps(values.astype(str).tolist()).encode())
            else:
                digest.update(f"{values.dtype.newbyteorder('<')}".encode())
                digest.update(values.astype(values.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()[:16]


def write_text(path: str | Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all; DatasetError where the disk refuses it."""
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        refusal = _not_written(path, part, error)
        part.unlink(missing_ok=True)
        raise refusal from error


def find_damage(paths: Iterable[str | Path]) -> DatasetError | None:
    """An error that names the first of `paths` that cannot be read to its end; None if all can.

    Damage inside a file shows only when its values are read, by an error that does not name it.
    """
    for path in paths:
        try:
            with xr.open_dataset(path, engine="netcdf4", cache=False) as dataset:
                for variable in dataset.variables.values():
                    _ = variable.values
        except (OSError, RuntimeError, ValueError) as error:
            return _unreadable(path, error)
    return None


def provenance(stage: str, code: str) -> dict[str, str | int]:
    """Attributes that record what made a file: stage, layout, code, git revision and versions."""
    versions = {"nofreelunch": __version__, "python": platform.python_version()}
    for name in RECORDED:
        with suppress(importlib.metadata.PackageNotFoundError):  # Snakemake
            versions[name] = importlib.metadata.version(name)
    return {
        "stage": stage,
        "layout": LAYOUT,
        "code_fingerprint": code,
        "git_revision": git_revision(),
        "versions": json.dumps(versions),
    }


def git_revision() -> str:
    """Commit of the code, with "-dirty" if it was edited; "unknown" outside a git checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        found = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


def _unreadable(path: str | Path, error: Exception) -> DatasetError:
    if obstacle := access.obstacle_to_reading(path):
        return DatasetError(f"{path}: cannot be read ({obstacle})")
    return DatasetError(
        f"{path}: not a readable netCDF file ({type(error).__name__}); "
        "delete it and run again to have it made anew"
    )


def _not_written(path: Path, part: Path, error: Exception) -> DatasetError:
    return DatasetError(f"{path}: cannot be written ({access.obstacle_to_writing(part) or error})")


def _encoding(array: xr.Variable) -> dict[str, object]:
    if array.dtype.kind in "OU" and array.ndim and array.size:
        return {"dtype": "S1", "zlib": True, "complevel": 1}  # strings are not compressed
    if array.dtype.kind not in "fiub" or array.ndim == 0 or array.size == 0:
        return {}
    encoding: dict[str, object] = {"zlib": True, "complevel": 1, "shuffle": True}
    if array.dims[0] == "network" and array.ndim > 1:
        encoding["chunksizes"] = (1, *array.shape[1:])
    if array.dtype == np.float64 and array.ndim > 1:
        encoding["dtype"] = "float32"
    return encoding
