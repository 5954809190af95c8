"""What the explorer shows of a study: every network, and the units of those that fit the page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from nofreelunch import seeds
from nofreelunch.explorer.assembling import number
from nofreelunch.explorer.blocks import pack_units, packed_size
from nofreelunch.explorer.columns import ACTIVITY
from nofreelunch.figures import style
from nofreelunch.files import datasets
from nofreelunch.files.contract import STAGES
from nofreelunch.findings import comparisons, network_measures
from nofreelunch.findings.summary import open_summary
from nofreelunch.scoring.significance import BATCH
from nofreelunch.scoring.surrogates import KINDS

READ = ("training", "rate_maps", "scores")  # stages whose files hold what the summary does not
BUDGET = 40_000_000  # characters of all blocks, so that a page stays below 60 MB
DEGREES = ("orientation",)  # in radians in files


def collect_results(results: str | Path) -> tuple[dict[str, Any], dict[str, str]]:
    """`collect_study` of the folder of a study's results.

    Raises:
        DatasetError: one line, if there is no summary yet, for a study of published models, and as
            `collect_study` does.
    """
    datasets.refuse_published(results)
    files = (Path(results) / STAGES[stage].files for stage in ("summary", "units"))
    return collect_study(open_summary(*files), results)


def collect_study(
    summary: xr.Dataset, results: str | Path, budget: int = BUDGET
) -> tuple[dict[str, Any], dict[str, str]]:
    """Data and blocks of a study's page, for `to_html`.

    Every network is in the page with its spec, errors and shares. If the units of all would take
    more than `budget` characters, the page holds those of some, and says so; see
    `choose_networks`.
    A network whose files are missing has no units, and the page says so, too.

    Args:
        summary: of `open_summary`.
        results: folder of the study, with the files of its cohorts.
        budget: characters.

    Raises:
        DatasetError: one line, for a file that is damaged or of another layout.
    """
    cohorts = _texts(summary, "cohort")
    files = {cohort: _files(Path(results), cohort) for cohort in dict.fromkeys(cohorts)}
    whole = {cohort for cohort, paths in files.items() if all(map(Path.exists, paths.values()))}
    there = [cohort in whole for cohort in cohorts]
    chosen = choose_networks(summary.isel(network=np.flatnonzero(there)), budget)
    rows = {row["id"]: row for row in _rows(summary)}
    wanted: dict[str, list[str]] = {}
    for cohort, name in zip(cohorts, rows, strict=True):
        if name in chosen:
            wanted.setdefault(cohort, []).append(name)
    blocks = {}
    for cohort, names in wanted.items():
        for name, added, block in _of_cohort(files[cohort], names):
            rows[name] |= added
            blocks[name] = block
    data = {
        "kind": "study",
        "title": str(summary.attrs["study"]),
        "networks": list(rows.values()),
        "notes": _notes(summary, there, len(blocks)),
        **_settings(summary),
    }
    return data, blocks


def choose_networks(summary: xr.Dataset, budget: int) -> set[str]:
    """Ids of the networks whose units fit `budget` characters; at least one if there is any.

    Half of the budget is for the network with the highest grid score of each configuration, the
    highest of all first. The rest is for a random sample, in rounds of one network of each
    configuration. A configuration is a spec without its seed.
    """
    names = summary["network"].values.astype(str)
    score = np.nan_to_num(summary["max_score"].values.astype(float), nan=-np.inf)
    side = round(float(summary.attrs["arena"]) / float(summary.attrs["bin_size"]))
    drawn = len(KINDS) * min(int(summary.attrs["surrogates"]), BATCH)
    size = [packed_size(int(u), side, drawn) for u in summary["units_present"].values]
    if sum(size) <= budget:
        return set(names)
    groups: dict[str, list[int]] = {}
    for index, spec in enumerate(comparisons.specs(summary)):
        groups.setdefault(json.dumps(spec | {"seed": None}, sort_keys=True), []).append(index)
    best = [max(group, key=lambda index: score[index]) for group in groups.values()]
    best.sort(key=lambda index: -score[index])
    best = best[: max(1, int((np.cumsum([size[index] for index in best]) <= budget / 2).sum()))]
    random, taken = seeds.generator(0, seeds.EXPLORER), {*best}
    rounds = [
        (place, random.random(), int(index))
        for group in groups.values()
        for place, index in enumerate(random.permutation([i for i in group if i not in taken]))
    ]
    order = [*best, *(index for *_, index in sorted(rounds))]
    fitting = np.cumsum([size[index] for index in order]) <= budget
    return {str(names[index]) for index in order[: max(1, int(fitting.sum()))]}


def _rows(summary: xr.Dataset) -> list[dict[str, Any]]:
    """What the summary says of each network."""
    threshold = summary.attrs["grid_cell_threshold"]
    measured = {
        "share": network_measures.share_above(summary, threshold),
        "chance": network_measures.chance_above(summary, threshold),
        "small_p": network_measures.small_p_values(summary),
        "grid_fraction": network_measures.grid_fraction(summary),
        "ridge_error": summary["ridge_error"].values,
        "loss": summary["loss"].values,
        "max_score": summary["max_score"].values,
    }
    errors = summary["position_error"].transpose("network", "horizon").values
    counts = {
        "active": summary["units_active"].values,
        "present": summary["units_present"].values,
        "significant": network_measures.significant(summary).sum(1),
    }
    sweeps = summary["in_sweep"].transpose("network", "sweep").values.astype(bool)
    rows = []
    for index, spec in enumerate(comparisons.specs(summary)):
        rows.append(
            {
                "id": str(summary["network"].values[index]),
                "cohort": str(summary["cohort"].values[index]),
                "spec": spec,
                "sigma": _width(spec["place_cell_width"]),
                "sweeps": np.flatnonzero(sweeps[index]).tolist(),
                "errors": [number(error) for error in errors[index]],
                "diverged": bool(summary["diverged"].values[index]),
                **{name: number(values[index]) for name, values in measured.items()},
                **{name: int(values[index]) for name, values in counts.items()},
            }
        )
    return rows


def _files(results: Path, cohort: str) -> dict[str, Path]:
    return {stage: results / STAGES[stage].files.format(cohort=cohort) for stage in READ}


def _of_cohort(
    files: Mapping[str, Path], wanted: Sequence[str]
) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Name, further data and block of each of the `wanted` networks of a cohort."""
    with (
        datasets.load(files["training"], "training") as trained,
        datasets.load(files["rate_maps"], "rate_maps") as maps,
        datasets.load(files["scores"], "scores") as scored,
    ):
        for name in wanted:
            rates = maps["rate_map"].sel(network=name).transpose("unit", "y", "x").values
            scores = scored.sel(network=name)
            drawn = None
            if "surrogate_score" in scores:
                drawn = scores["surrogate_score"].transpose("unit", "kind", "surrogate").values
            block, columns = pack_units(rates, _columns(scores), drawn)
            added = {
                "units": len(rates),
                "side": rates.shape[-1],
                "columns": columns,
                "surrogates": 0 if drawn is None else drawn.shape[-1],
                "curve": _curve(trained.sel(network=name)),
            }
            yield name, added, block


def _columns(scores: xr.Dataset) -> dict[str, np.ndarray]:
    """Every variable of the scores that has one number per unit."""
    found = {
        str(name): values.values.astype(float)
        for name, values in scores.data_vars.items()
        if values.dims == ("unit",)
    }
    for name in ("score_60", "ring_60"):
        found[name] = scores[name].sel(definition=network_measures.DEFINITION).values.astype(float)
    found["score_60_mean"] = scores["score_60"].sel(definition="mean").values.astype(float)
    for name in DEGREES:
        found[name] = np.degrees(found[name])
    kinds = [scores[kind].values.astype(bool) for kind in ACTIVITY[:-1]]
    found["activity"] = np.select(kinds, range(len(kinds)), len(kinds)).astype(float)
    return found


def _curve(trained: xr.Dataset) -> dict[str, list[float | None]]:
    """Steps, loss and position error along training."""
    done = trained["step"].values >= 0
    names = ("step", "loss", "position_error")
    return {name: [number(value) for value in trained[name].values[done]] for name in names}


def _settings(summary: xr.Dataset) -> dict[str, Any]:
    targets = sorted({*_texts(summary, "target")})
    horizons = summary["horizon"].values.tolist()
    return {
        "threshold": summary.attrs["grid_cell_threshold"],
        "criterion": summary.attrs["position_error_threshold"],
        "horizon": horizons.index(summary.attrs["position_error_horizon"]),
        "horizons": horizons,
        "tested": int(summary.attrs["surrogates"]),
        "level_chance": number(network_measures.chance_of_small_p(summary)),
        "bin_size": float(summary.attrs["bin_size"]),
        "sweeps": _texts(summary, "sweep"),
        "targets": {
            t: {"name": style.name(summary, t), "colour": style.colour(t)} for t in targets
        },
    }


def _notes(summary: xr.Dataset, there: Sequence[bool], held: int) -> list[str]:
    """What a reader has to know about what is not in the page, as sentences."""
    count, missing = summary.sizes["network"], len(there) - sum(there)
    diverged = int(summary["diverged"].values.astype(bool).sum())
    notes = []
    if held < count - missing:
        notes.append(
            f"All {count:,} networks are listed. The page has room for the units of {held:,}: the "
            "best of each configuration by grid score, as far as half of the room goes, and a "
            "random sample of the others."
        )
    if missing:
        notes.append(
            f"{missing:,} of {count:,} networks have no units here: their files are missing."
        )
    if diverged:
        notes.append(f"{diverged:,} of {count:,} networks diverged. They have no error and no dot.")
    if not summary.attrs["surrogates"]:
        notes.append("No surrogates were scored, so chance is not known.")
    return notes


def _width(width: Any) -> str:
    """A place-cell width as text, in m."""
    if width is None:
        return "none"
    if isinstance(width, Mapping):
        return "–".join(f"{bound:g}" for bound in width["uniform"])
    return style.width_text(float(width))


def _texts(summary: xr.Dataset, name: str) -> list[str]:
    return [str(value) for value in summary[name].values]
