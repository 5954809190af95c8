"""The results of a small study: rate maps that are made up, and scored and summed up in earnest."""

import json
from pathlib import Path

import numpy as np
import xarray as xr
import yaml
from nofreelunch.evaluation.lesions import KINDS
from nofreelunch.files import datasets
from nofreelunch.files.contract import STAGES
from nofreelunch.findings import summary
from nofreelunch.scoring import unit_scores
from nofreelunch.study import sweeps
from synthetic_maps import BOX, hexagonal_maps, smooth_noise

BINS, UNITS = 16, 8
PERIOD = 0.6  # m
ERRORS = {"rnn": 0.05, "gru": 0.12}  # m, of networks whose target is a difference of softmaxes
SWEEPS = {
    "encodings": {"target": ["difference_of_softmaxes", "gaussian"], "seed": [10]},
    "cells": {"cell": "gru", "seed": [10]},
    "wide": {"place_cell_width": 0.2, "seed": [10]},
}
THRESHOLDS = {
    "position_error": 0.10,
    "position_error_horizon": 20,
    "grid_score": [0.3, 0.8],
    "grid_cells": 0.8,
}


def make(
    folder: Path, name: str = "small", surrogates: int = 60, diverged: str = "wide", **sweep_of
) -> Path:
    """Write the results of the study `name` below `folder`, and return their own folder.

    The units of networks that learn a difference of softmaxes with place fields of 0.12 m are
    lattices with a period of `PERIOD`, and the others are noise. The first unit of each network is
    dead, and one bin was never visited. The networks of the sweep `diverged` have no finite rate;
    "all" stands for all sweeps. `sweep_of` replaces the sweeps.
    """
    file = folder / f"{name}.yaml"
    keys = {"target": "difference_of_softmaxes", "units": UNITS, "place_cells": 32, "steps": 40}
    file.write_text(
        yaml.safe_dump({"defaults": keys, "sweeps": sweep_of or SWEEPS}, sort_keys=False)
    )
    study = sweeps.load_study(file)
    lost = {name for s, ids in study.sweeps.items() if diverged in (s, "all") for name in ids}
    results, paths = folder / name, []
    for cohort in study.pack():
        maps = _rate_maps(cohort.networks, lost)
        made = {
            "training": _trained(cohort.networks, lost),
            "rate_maps": maps,
            "scores": unit_scores.score_units(maps, surrogates),
        }
        paths.append([str(results / STAGES[s].files.format(cohort=cohort.name)) for s in made])
        for (stage, dataset), path in zip(made.items(), paths[-1], strict=True):
            datasets.save(dataset, path, stage, "code")
    silenced = str(results / STAGES["lesions"].files)
    datasets.save(_lesions(study.networks[:1]), silenced, "lesions", "code")
    run = {"study": name, "sweeps": study.sweeps, "thresholds": THRESHOLDS, "arena": 2.2}
    table = summary.collect(paths, silenced, run | {"defaults": dict(study.defaults)})
    for part, stage in zip(summary.split_units(table), ("summary", "units"), strict=True):
        datasets.save(part, results / STAGES[stage].files, stage, "code")
    return results


def _coordinates(networks) -> dict:
    specs = [json.dumps(dict(network.spec)) for network in networks]
    return {"network": [network.id for network in networks], "spec": ("network", specs)}


def _rate_maps(networks, lost) -> xr.Dataset:
    maps, errors = [], []
    for network in networks:
        random = np.random.default_rng(network["seed"])
        lattices = network["target"] == "difference_of_softmaxes"
        if lattices and network["place_cell_width"] == 0.12:
            drawn = hexagonal_maps(BINS, PERIOD, UNITS, random, noise=0.1, rectified=True)[0]
        else:
            drawn = smooth_noise(BINS, 0.15, UNITS, random)
        drawn -= drawn.min(axis=(1, 2), keepdims=True)
        drawn[0], drawn[:, 0, 0] = 0, np.nan
        if network.id in lost:
            drawn[:, 1:] = np.inf
        maps.append(drawn)
        error = np.nan if network.id in lost else ERRORS[network["cell"]]
        error += 0.01 * (not lattices)
        errors.append([error, 2 * error])
    visited = np.ones((BINS, BINS), int)
    visited[0, 0] = 0
    return xr.Dataset(
        {
            "rate_map": (("network", "unit", "y", "x"), np.array(maps, np.float32)),
            "occupancy": (("y", "x"), visited),
            "stability": (("network", "unit"), np.full((len(networks), UNITS), 0.9)),
            "position_error": (("network", "horizon"), errors, {"units": "m"}),
            "ridge_error": ("network", np.mean(errors, 1), {"units": "m"}),
        },
        _coordinates(networks) | {"horizon": [20, 50]},
        {"arena": BOX, "bin_size": BOX / BINS},
    )


def _lesions(networks) -> xr.Dataset:
    error = np.multiply.outer([1, 1.5, 1.2], [ERRORS[network["cell"]] for network in networks])
    coordinates = _coordinates(networks) | {"lesion": list(KINDS)}
    return xr.Dataset({"lesion_error": (("lesion", "network"), error)}, coordinates)


def _trained(networks, lost) -> xr.Dataset:
    curve = ("network", "checkpoint")
    falling = np.tile(np.geomspace(1, 0.05, 9), (len(networks), 1))
    return xr.Dataset(
        {
            "loss": (curve, 6 * falling),
            "position_error": (curve, falling, {"units": "m"}),
            "diverged": ("network", [network.id in lost for network in networks]),
        },
        _coordinates(networks)
        | {"step": (curve, np.tile([0, 5, 10, 15, 20, 25, 30, 40, -1], (len(networks), 1)))},
    )
