"""Made-up summaries of the studies beside this file: their networks, with scores that are drawn."""

import json
from pathlib import Path

import numpy as np
import xarray as xr
from nofreelunch.evaluation.lesions import KINDS as KINDS_OF_LESIONS
from nofreelunch.study import sweeps
from nofreelunch.theory.pattern_formation import ACTIVATIONS

STUDIES = Path(__file__).parent / "studies"
THRESHOLDS = (0.3, 0.8, 1.15, 1.2)
REPORTED = (True, True, True, False)
KINDS = ("phase", "shuffle")
SIZE, POWER = 0.04, 0.8  # of the test for grid cells
PADDING = 3  # columns of the unit axis that no network fills
CLASSES = ("other", "hexagonal", "square", "stripe")
FEWEST = 10  # units that it takes to count modules
GRID_LIKE = {  # share of grid-like units and mean position error, m
    "difference_of_softmaxes": (0.09, 0.075),
    "general_difference_of_gaussians": (0.08, 0.085),
    "difference_of_gaussians": (0.0, 0.12),
    "gaussian": (0.008, 0.06),
    "softmax_of_differences": (0.0, 0.06),
    "cartesian": (0.0, 0.007),
    "high_dim_cartesian": (0.0, 0.01),
    "polar": (0.0, 0.08),
    "high_dim_polar": (0.0, 0.04),
}


def make(name: str = "full", seed: int = 0, learnt: bool = True, chance: bool = True):
    """The summary of the study `name`. Networks that have not `learnt` have large errors and no
    grid-like unit; without `chance` no surrogates were scored. One network is marked diverged, the
    last unit of each is dead and the one before constant. Grid-like units are the significant ones,
    and of one module."""
    random = np.random.default_rng(seed)
    plan = sweeps.load_study(STUDIES / f"{name}.yaml")
    cohorts = {network.id: cohort.name for cohort in plan.pack() for network in cohort.networks}
    specs = [dict(network.spec) for network in plan.networks]
    units = max(spec["units"] for spec in specs) + PADDING
    shape = (len(specs), units)
    score, period = np.full(shape, np.nan), np.full(shape, np.nan)
    error, present = np.empty(len(specs)), np.zeros(shape, bool)
    for index, spec in enumerate(specs):
        share, error[index] = GRID_LIKE[spec["target"]] if learnt else (0.0, 0.5)
        if spec["cell"] == "feedforward":  # the target without path integration
            error[index] = 0.05
        elif spec["cell"] != "rnn" or spec["activation"] != "relu":
            share, error[index] = share / 5, 3 * error[index]
        if not spec["steps"]:
            share, error[index] = 0.0, 0.8
        if isinstance(spec["fields_per_cell"], dict):
            share = share / 3 if isinstance(spec["place_cell_width"], float) else 0.0
        used = spec["units"]
        present[index, :used] = True
        score[index, :used] = np.where(
            random.random(used) < share * random.uniform(0.6, 1.4),
            random.uniform(0.8, 1.3, used),
            np.minimum(random.normal(-0.1, 0.3, used), 0.79),
        )
        width = spec["place_cell_width"]
        typical = 0.24 + 7.0 * (width if isinstance(width, float) else 0.13)
        period[index, :used] = random.normal(typical, 0.06, used)
    error *= random.uniform(0.9, 1.1, len(specs))
    diverged = np.zeros(len(specs), bool)
    diverged[-1] = True
    used = present.sum(1, keepdims=True)
    dead, constant = (np.arange(units) == used - k for k in (1, 2))
    dead, constant = dead & ~diverged[:, None], constant & ~diverged[:, None]
    active = present & ~dead & ~constant & ~diverged[:, None]
    score[~active & present] = 0.0
    score[-1], error[-1] = np.nan, np.nan
    period[~(score > 0)] = np.nan
    table = _table(plan, specs, cohorts, score, period, error, present, active, diverged, chance)
    table = table.assign(units_dead=("network", dead.sum(1)))
    table = table.assign(units_constant=("network", constant.sum(1)))
    table = table.assign(_by_unit(score, active, random)).assign(
        _by_chance(score, period, present, active, diverged, chance, random)
    )
    return table.assign(_lesions(plan, specs, error))


def without_lattices(summary: xr.Dataset) -> xr.Dataset:
    """The summary with no significant unit, and p-values that are uniform in every network."""
    active = summary["active"].transpose("network", "unit").values
    rank = np.cumsum(active, axis=1) - 0.5
    p_value = np.where(active, rank / np.maximum(active.sum(1, keepdims=True), 1), np.nan)
    p_value = p_value / 0.05 * 0.06  # so that 4 % are 0.05 or less
    return summary.assign(
        significant=summary["significant"] & False,
        p_value=(("network", "unit"), np.minimum(p_value, np.where(active, 1, np.nan))),
        grid_fraction=summary["grid_fraction"] * 0,
    )


def theory(name: str = "full"):
    """Spectra of the study's targets, at a low resolution, and made-up scores of patterns."""
    from nofreelunch.task import targets
    from nofreelunch.theory import spectra as theories

    keys = ("target", "place_cells", "place_cell_width", "surround", "amplitude_ratio")
    keys = (*keys, "fields_per_cell")
    specs = {
        json.dumps({k: n[k] for k in keys})
        for n in sweeps.load_study(STUDIES / f"{name}.yaml").networks
    }
    built = [targets.build_target(json.loads(text), 0) for text in sorted(specs)]
    spectra = [theories.spectrum(target, resolution=33) for target in built]
    return [spectrum.merge(_patterns(spectrum)) for spectrum in spectra]


def patterns(theory):
    """The file of the stage patterns for spectra that `theory` made: its maps are noise."""
    random = np.random.default_rng(0)
    each = [spectrum[[*_patterns(spectrum)]].drop_attrs() for spectrum in theory]
    together = xr.concat(each, "target")
    shape = (*together["p_value"].shape, 11, 11)
    dims = (*together["p_value"].dims, "y", "x")
    specs = [spectrum.attrs["spec"] for spectrum in theory]
    return together.assign(rate_map=(dims, random.normal(size=shape))).assign_coords(
        spec=("target", specs)
    )


def _patterns(spectrum, count=10):
    """Of ten patterns with a ReLU six are lattices where there is a ring; no others are any."""
    random = np.random.default_rng(len(spectrum.attrs["spec"]))
    score = random.normal(-0.2, 0.2, (len(ACTIVATIONS), count))
    p_value = np.full(score.shape, 0.5)
    if np.isfinite(spectrum["predicted_period"]):
        score[-1, :6], p_value[-1, :6] = 1.2, 0.01
    dims, surrogates = ("activation", "unit"), random.normal(-0.2, 0.2, (*score.shape, 2, 25))
    return xr.Dataset(
        {
            "score_60": (dims, score),
            "p_value": (dims, p_value),
            "significant": (dims, p_value < 0.05),
            "surrogate_score": ((*dims, "kind", "surrogate"), surrogates),
        },
        coords={"activation": list(ACTIVATIONS), "kind": list(KINDS)},
    )


def rate_maps(summary: xr.Dataset, bins: int = 44):
    """A function that opens made-up rate maps of a cohort: lattices where the score is high."""

    def of_cohort(name: str) -> xr.Dataset:
        rows = np.flatnonzero(summary["cohort"].values == name)
        chosen = summary.isel(network=rows)
        maps = np.stack(
            [
                [
                    _map(float(s), float(p), seed * 1000 + unit, bins)
                    for unit, (s, p) in enumerate(zip(scores, periods, strict=True))
                ]
                for seed, (scores, periods) in enumerate(
                    zip(
                        chosen["score_60"].sel(definition="min_max").values,
                        chosen["period"].values,
                        strict=True,
                    )
                )
            ]
        )
        return xr.Dataset(
            {"rate_map": (("network", "unit", "y", "x"), maps)},
            coords={"network": chosen["network"].values},
            attrs={"arena": 2.2, "bin_size": 2.2 / bins},
        )

    return of_cohort


def _lesions(plan, specs, error):
    """Lesions of the reference networks: those of the highest scores do more harm."""
    reference = [{**spec, "seed": None} == {**plan.defaults, "seed": None} for spec in specs]
    found = np.multiply.outer([1, 1.5, 1.2], np.where(reference, error, np.nan))
    return {"lesion_error": (("lesion", "network"), found), "lesion": list(KINDS_OF_LESIONS)}


def _by_unit(score, active, random):
    """What is measured on units besides the lattice: the more, the more grid-like."""
    grid = np.clip(np.nan_to_num(score), 0, 1)

    def drawn(low, high):
        values = low + (high - low) * grid + 0.05 * random.random(score.shape)
        return ("network", "unit"), np.where(active, values, np.nan)

    return {
        "score_90": drawn(0.2, -0.4),
        "gridness": drawn(-0.2, 1.2),
        "orientation": drawn(0.3, 0.4),
        "ellipticity": drawn(1.3, 1.05),
        "stability": drawn(0.7, 0.9),
        "spatial_information": drawn(1.2, 0.6),
        "sparsity": drawn(0.3, 0.5),
        "border_score": drawn(0.1, -0.3),
        "field_count": (("network", "unit"), np.where(active, 3 + 8 * grid, 0).astype(int)),
    }


def _by_chance(score, period, present, active, diverged, chance, random):
    """What the comparison with surrogates says."""
    significant = active & (score >= 0.8) & chance
    p_value = np.where(significant, 0.0005, random.uniform(0.01, 1, score.shape))
    kinds = np.where(significant, 1, random.choice([0, 0, 0, 2, 3], score.shape))
    kinds = np.where(active & chance, kinds, 0).astype(np.int8)
    known = chance & ~diverged
    number = np.maximum(active.sum(1), 1)
    share = np.stack([((kinds == k) & active).sum(1) / number for k in range(len(CLASSES))])
    units = (significant & np.isfinite(period)).sum(1)
    modules = np.where(units >= FEWEST, 1, 0)
    interval = np.where(units >= FEWEST, 1.0, np.nan)
    flags = {"flag_values": np.arange(4, dtype=np.int8), "flag_meanings": " ".join(CLASSES)}
    return {
        "p_value": (("network", "unit"), np.where(active & chance, p_value, np.nan)),
        "significant": (("network", "unit"), significant),
        "lattice_class": (("network", "unit"), kinds, flags),
        "class_fraction": (
            ("lattice_class_name", "network"),
            np.where(known, share, np.nan),
        ),
        "grid_fraction": ("network", np.where(known, significant.sum(1) / number, np.nan)),
        "grid_fraction_present": (
            "network",
            np.where(known, significant.sum(1) / present.sum(1), np.nan),
        ),
        "modules": ("network", modules),
        "modules_low": ("network", interval),
        "modules_high": ("network", interval),
        "modules_units": ("network", units),
        "lattice_class_name": list(CLASSES),
    }


def _table(plan, specs, cohorts, score, period, error, present, active, diverged, chance):
    known = np.isfinite(score)
    highest = np.max(np.where(known, score, -np.inf), axis=1)
    above = np.stack([(score > t).sum(1) / present.sum(1) for t in THRESHOLDS])
    by_chance = np.array([0.15, 0.015, 0.002, 0.001])[:, None] * np.ones(len(specs))
    by_chance = np.stack([by_chance, 1.2 * by_chance])
    by_chance[:] = by_chance if chance else np.nan
    width = [s["place_cell_width"] for s in specs]
    columns = ("target", "cell", "activation", "optimizer", "units", "seed", "learning_rate")
    ids = [network.id for network in plan.networks]
    return xr.Dataset(
        {
            "loss": ("network", np.where(diverged, np.nan, 5.0)),
            "position_error": (("network", "horizon"), np.stack([error, 1.3 * error], 1)),
            "ridge_error": ("network", 1.2 * error),
            "diverged": ("network", diverged),
            "low_error": ("network", error < 0.10),
            "score_60": (("definition", "network", "unit"), np.stack([score, score + 0.05])),
            "period": (("network", "unit"), period),
            "present": (("network", "unit"), present),
            "active": (("network", "unit"), active),
            "units_present": ("network", present.sum(1)),
            "units_active": ("network", active.sum(1)),
            "max_score": ("network", np.where(known.any(1), highest, np.nan)),
            "has_grid_cells": ("network", highest >= 0.8),
            "fraction_above": (("threshold", "network"), np.where(diverged, np.nan, above)),
            "fraction_above_active": (
                ("threshold", "network"),
                np.where(diverged, np.nan, above * present.sum(1) / np.maximum(active.sum(1), 1)),
            ),
            "chance_fraction_above": (("kind", "threshold", "network"), by_chance),
            "test_size": (("kind", "network"), SIZE + 0 * by_chance[:, 0]),
            "test_power": ("network", POWER + 0 * by_chance[0, 0]),
        },
        coords={
            "network": ids,
            "cohort": ("network", [cohorts[i] for i in ids]),
            "spec": ("network", [json.dumps(s) for s in specs]),
            **{k: ("network", [s[k] for s in specs]) for k in columns},
            "place_cell_width": (
                "network",
                [float(w) if isinstance(w, int | float) else np.nan for w in width],
            ),
            "definition": ["min_max", "mean"],
            "threshold": list(THRESHOLDS),
            "reported": ("threshold", list(REPORTED)),
            "kind": list(KINDS),
            "horizon": [20, 50],
            "unit": np.arange(score.shape[1]),
        },
        attrs={
            "study": plan.name,
            "defaults": json.dumps(plan.defaults),
            "position_error_threshold": 0.10,
            "position_error_horizon": 20,
            "grid_cell_threshold": 0.8,
            "arena": 2.2,
            "bin_size": 0.05,
            "surrogates": 1999 if chance else 0,
            "test_size": SIZE if chance else np.nan,
        },
    )


def _map(score: float, period: float, seed: int, bins: int) -> np.ndarray:
    """A lattice of `period` m where the score is above 0.3, smooth noise elsewhere."""
    random = np.random.default_rng(seed)
    side = (np.arange(bins) + 0.5) * 2.2 / bins - 1.1
    x, y = np.meshgrid(side, side)
    waves = 3 if score > 0.3 and np.isfinite(period) else 12
    angle = random.uniform(0, np.pi) + np.arange(waves) * np.pi / 3
    length = 4 * np.pi / np.sqrt(3) / (period if waves == 3 else 1.2)
    length = length if waves == 3 else length * random.uniform(0.2, 1, waves)
    if waves != 3:
        angle = random.uniform(0, 2 * np.pi, waves)
    phase = random.uniform(0, 2 * np.pi, waves)
    planes = np.cos(
        (length * np.cos(angle))[:, None, None] * x
        + (length * np.sin(angle))[:, None, None] * y
        + phase[:, None, None]
    )
    rate = np.maximum(planes.sum(0) + 0.4 * random.normal(size=x.shape), 0)
    rate[0, :2] = np.nan
    return rate.astype(np.float32)
