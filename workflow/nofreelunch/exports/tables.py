"""Tidy tables of a study: one row per network, and one row per unit, with named columns."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from nofreelunch.files import datasets
from nofreelunch.files.contract import STAGES
from nofreelunch.files.meanings import MEANINGS, Meaning
from nofreelunch.findings.network_index import label_table, spec_table
from nofreelunch.networks.cohorts import OWN_KEYS
from nofreelunch.study.schema import load_schema

SINGLE = ("surrogate", "sample")  # dimensions whose values have no columns: they are many
# Variables that have several columns, and what follows their name in those.
SPREAD = {
    "score_60": "definition",
    "ring_60": "definition",
    "position_error": "horizon",
    "lesion_error": "lesion",
    "fraction_above": "threshold",
    "fraction_above_active": "threshold",
    "chance_fraction_above": "kind, threshold",
    "test_size": "kind",
    "class_fraction": "lattice class",
}


def per_network(summary: xr.Dataset) -> pd.DataFrame:
    """One row per network of a summary: its specification, errors, shares and modules.

    A variable with more dimensions has a column for each value along them, such as
    `position_error_20`. A key of the specification that has keys itself is `key.inner`.
    """
    measured = _columns(summary.drop_vars("in_sweep"), ("network",))
    parts = label_table(summary), spec_table(summary), pd.DataFrame(measured)
    return pd.concat(parts, axis=1)


def per_unit(results: str | Path, cohorts: list[str]) -> pd.DataFrame:
    """One row per unit of each network, by network and unit: every score but single surrogates'.

    Flags are words. Raises DatasetError for the first file of scores that is missing or damaged.
    """
    parts = [of_units(open_scores(results, cohort)) for cohort in cohorts]
    table = pd.concat(parts, ignore_index=True)
    return table.sort_values(["network", "unit"], kind="stable", ignore_index=True)


def open_scores(results: str | Path, cohort: str) -> xr.Dataset:
    """The scores of a cohort. Raises DatasetError as `datasets.load` does."""
    path = Path(results) / STAGES["scores"].files.format(cohort=cohort)
    with datasets.load(path, "scores") as scores:
        return scores.load()


def of_units(scores: xr.Dataset) -> pd.DataFrame:
    """The rows of `per_unit` that come from the scores of one cohort."""
    networks, units = scores.sizes["network"], scores.sizes["unit"]
    labels = {
        "network": np.repeat(scores["network"].values.astype(str), units),
        "unit": np.tile(np.arange(units), networks),
    }
    return pd.DataFrame(labels | _columns(scores, ("network", "unit")))


def meaning(column: str) -> Meaning:
    """What a column of these tables means; KeyError for one that has no meaning.

    >>> meaning("score_60_min_max").text[:10], meaning("position_error_20").units
    ('grid score', 'm')
    """
    if column in MEANINGS:
        return MEANINGS[column]
    spread = [name for name in SPREAD if column.startswith(f"{name}_")]
    if spread:
        return MEANINGS[max(spread, key=len)]
    rules = load_schema("study")["properties"]["defaults"]["properties"]
    key, *inner = column.split(".")
    text = " ".join([f"{rules[key]['description']}", *inner])
    if key in OWN_KEYS:
        return Meaning(text, "", "it is that of the study's other networks")
    return Meaning(text, "", "the target does not use the key")


def dictionary(*tables: pd.DataFrame) -> pd.DataFrame:
    """One row per column of the tables: name, units, meaning, and when it has no value."""
    rows = []
    for name in dict.fromkeys(str(column) for table in tables for column in table):
        text, units, missing = meaning(name)
        rows.append({"column": name, "units": units, "meaning": text, "missing where": missing})
    return pd.DataFrame(rows)


def _columns(dataset: xr.Dataset, rows: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Every variable over `rows`, raveled; one column for each place along other dimensions."""
    found = {}
    for name, values in dataset.data_vars.items():
        others = [dim for dim in values.dims if dim not in rows]
        if not {*rows} <= {*values.dims} or {*others} & {*SINGLE}:
            continue
        for where, suffix in _places(values, others):
            column = _worded(values.sel(where)).transpose(*rows)
            found["_".join([str(name), *suffix])] = column.values.ravel()
    return found


def _places(values: xr.DataArray, dims: list[Hashable]) -> Iterator[tuple[dict, list[str]]]:
    """Each place along `dims`, and how a column's name says it."""
    for labels in product(*(values[dim].values.tolist() for dim in dims)):
        texts = [f"{label:g}" if isinstance(label, float) else str(label) for label in labels]
        yield dict(zip(dims, labels, strict=True)), texts


def _worded(values: xr.DataArray) -> xr.DataArray:
    """Flags as their words; all else as it is, and True and False as such."""
    words = str(values.attrs.get("flag_meanings", "")).split()
    if not words or values.dtype == bool:
        return values
    return values.copy(data=np.array(words, object)[values.values])
