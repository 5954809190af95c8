"""The index of a study: which network is in which files, and what distinguishes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import xarray as xr

from nofreelunch.files.contract import STAGES

FILES = {  # columns of the index, and the stages whose files they name
    "networks_file": "training",
    "rate_maps_file": "rate_maps",
    "scores_file": "scores",
}
ALWAYS = ("target", "cell", "seed")  # keys that are shown even where all networks share one value
FIRST = (  # keys that stand before the others
    "target",
    "cell",
    "activation",
    "units",
    "place_cell_width",
    "optimizer",
    "learning_rate",
    "seed",
)


def index_table(summary: xr.Dataset) -> pd.DataFrame:
    """One row per network: its identifier, sweeps and files, and the keys in which networks differ.

    Files are given from the folder of the results. In a file, a network is found by its
    identifier: `dataset.sel(network=...)`.
    """
    specs = spec_table(summary)
    varying = [k for k in specs if k in ALWAYS or specs[k].nunique(dropna=False) > 1]
    cohorts = summary["cohort"].values.astype(str)
    files = {
        column: [STAGES[stage].files.format(cohort=cohort) for cohort in cohorts]
        for column, stage in FILES.items()
    }
    return pd.concat([label_table(summary), specs[varying], pd.DataFrame(files)], axis=1)


def label_table(summary: xr.Dataset) -> pd.DataFrame:
    """One row per network: its identifier, cohort and sweeps, these between spaces."""
    members = summary["in_sweep"].transpose("network", "sweep").values.astype(bool)
    names = summary["sweep"].values.astype(str)
    labels = {name: summary[name].values.astype(str) for name in ("network", "cohort")}
    return pd.DataFrame(labels | {"sweeps": [" ".join(names[row]) for row in members]})


def spec_table(summary: xr.Dataset) -> pd.DataFrame:
    """One row per network: the keys of its specification, those that have keys as `key.inner`."""
    specs = pd.json_normalize([_plain(json.loads(str(text))) for text in summary["spec"].values])
    nested = {str(key).partition(".")[0] for key in specs if "." in str(key)}
    absent = [key for key in specs if key in nested and specs[key].isna().all()]
    return specs.drop(columns=absent).apply(_one_type)


def _plain(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A specification in a table's order, whose lists are JSON."""
    ordered = {key: spec[key] for key in FIRST if key in spec} | dict(sorted(spec.items()))
    return {key: _scalar(value) for key, value in ordered.items()}


def _scalar(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _scalar(inner) for key, inner in value.items()}
    return json.dumps(value) if isinstance(value, list) else value


def _one_type(column: pd.Series) -> pd.Series:
    """The column as text where it has both numbers and words, as most formats allow one type.

    Whole numbers with gaps stay whole numbers.
    """
    known = column.dropna()
    if known.map(type).nunique() > 1 and any(isinstance(value, str) for value in known):
        return column.where(column.isna(), column.map(str))
    if column.dtype.kind == "f" and len(known) < len(column) and (known % 1 == 0).all():
        return column.astype("Int64")
    return column
