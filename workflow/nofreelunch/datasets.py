"""The contract of every netCDF file: what it says about its origin, and how it is written and read.

A file is written beside its place and moved there when it is whole, so that a file that exists is a
finished one. Attributes record what made it: stage, layout, library versions, git revision and the
fingerprint of the code.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import netCDF4
import numpy as np
import xarray as xr

from nofreelunch.layout import LAYOUT

RECORDED = ("numpy", "scipy", "torch", "xarray", "netCDF4", "snakemake")
STAGES = {  # and what a reader of each stage's files relies on
    "trajectories": ("position", "velocity"),
    "training": ("loss", "position_error", "step", "diverged", "spec"),
    "rate_maps": (
        "rate_map",
        "occupancy",
        "stability",
        "position_error",
        "ridge_error",
        "spec",
    ),
    "scores": (
        "score_60",
        "score_90",
        "gridness",
        "period",
        "field_count",
        "stability",
        "active",
        "dead",
        "constant",
        "spec",
    ),
    "theory": ("covariance", "power", "radial_power", "predicted_period"),
    "summary": ("position_error", "diverged", "max_score", "grid_fraction", "modules", "spec"),
    "units": ("score_60", "gridness", "period", "present", "significant", "lattice_class"),
}


class DatasetError(ValueError):
    """A file that is missing, damaged, of another layout, or that could not be written."""


def save(dataset: xr.Dataset, path: str | Path, stage: str, code: str) -> None:
    """Write `dataset` to `path` as one compressed netCDF4 file, whole or not at all.

    Args:
        stage: one of `STAGES`.
        code: fingerprint of the code that made it.

    Raises:
        DatasetError: where the disk refuses it; what was at `path` stays.
    """
    replace(dataset.assign_attrs(provenance(stage, code)), path)


def replace(dataset: xr.Dataset, path: str | Path) -> None:
    """`save` a dataset that says already what made it."""
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    # Encodings of the files that variables came from, string lengths say, are not for this one.
    labelled = dataset.drop_encoding()
    encoding = {name: _encoding(array) for name, array in labelled.variables.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        labelled.to_netcdf(part, engine="netcdf4", encoding=encoding)
        with xr.open_dataset(part, engine="netcdf4", cache=False) as written:
            found = content(written)
        with netCDF4.Dataset(part, "a") as file:
            file.setncattr("content", found)
        os.replace(part, path)
    except (OSError, RuntimeError) as error:
        raise DatasetError(
            f"{path}: could not be written ({error}); is the disk full or read-only?"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def load(path: str | Path, stage: str) -> xr.Dataset:
    """Open the file that `stage` made, lazily.

    Raises:
        DatasetError: one line, where it is missing, damaged, of another stage or another layout.
    """
    path = Path(path)
    if not path.exists():
        raise DatasetError(f"{path}: no such file; `snakemake` makes it")
    try:
        dataset = xr.open_dataset(path, engine="netcdf4")
    except (OSError, RuntimeError, ValueError) as error:
        raise _damaged(path, error) from error
    found = (dataset.attrs.get("stage"), dataset.attrs.get("layout"))
    if found != (stage, LAYOUT):
        dataset.close()
        raise DatasetError(
            f"{path}: found stage {found[0]!r} of layout {found[1]}, allowed: {stage!r} of layout "
            f"{LAYOUT}; move the results of another version away and run again"
        )
    missing = [name for name in STAGES[stage] if name not in dataset.variables]
    if missing:
        dataset.close()
        raise DatasetError(f"{path}: no {', '.join(missing)}; delete it and run again")
    return dataset


def expect(dataset: xr.Dataset, networks: Sequence[str], code: str) -> xr.Dataset:
    """The dataset, if it holds these networks and was made by this code.

    A file that was copied in from elsewhere or edited is refused here, and not taken for granted.

    Raises:
        DatasetError: one line, with the reason.
    """
    source = dataset.encoding.get("source", "the dataset")
    found = [str(name) for name in dataset["network"].values]
    if found != list(networks):
        raise DatasetError(
            f"{source}: found networks {', '.join(found[:3])} ..., allowed: "
            f"{', '.join(networks[:3])} ..., those of the study; delete it and run again"
        )
    if dataset.attrs.get("code_fingerprint") != code:
        raise DatasetError(
            f"{source}: found code {dataset.attrs.get('code_fingerprint')}, allowed: {code}; it "
            "was made by other code: delete it and run again, or check that one out"
        )
    return verify(dataset)


def verify(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset, if its values are those that `save` wrote.

    Raises:
        DatasetError: one line, where they are not: somebody edited the file.
    """
    if dataset.attrs.get("content") != content(dataset):
        source = dataset.encoding.get("source", "the dataset")
        raise DatasetError(
            f"{source}: found other values than were written, was it edited? Delete it and run "
            "again to have it made anew"
        )
    return dataset


def content(dataset: xr.Dataset) -> str:
    """Digest of all values, names and dimensions, read network by network.

    Compression, attributes and the order of variables do not count.
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
        part.unlink(missing_ok=True)
        raise DatasetError(f"{path}: could not be written: {error}") from error


def find_damage(paths: Iterable[str | Path]) -> DatasetError | None:
    """An error that names the first of `paths` that cannot be read to its end, if there is one.

    Damage inside a file shows only when the damaged values are read, by an error without a name.
    """
    for path in paths:
        try:
            with xr.open_dataset(path, engine="netcdf4", cache=False) as dataset:
                for variable in dataset.variables.values():
                    _ = variable.values
        except (OSError, RuntimeError, ValueError) as error:
            return _damaged(path, error)
    return None


def provenance(stage: str, code: str) -> dict[str, str | int]:
    """Attributes that say what made a file."""
    versions = {name: importlib.metadata.version(name) for name in RECORDED}
    return {
        "stage": stage,
        "layout": LAYOUT,
        "code_fingerprint": code,
        "git_revision": git_revision(),
        "versions": json.dumps({"python": platform.python_version(), **versions}),
    }


def git_revision() -> str:
    """Commit of the code, with "-dirty" where it was edited; "unknown" outside a git checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        found = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


def _damaged(path: str | Path, error: Exception) -> DatasetError:
    return DatasetError(
        f"{path}: not a readable netCDF file ({type(error).__name__}); "
        "delete it and run again to have it made anew"
    )


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
