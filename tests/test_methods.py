"""The numbers of docs/methods.md are those of the code, the settings and the studies."""

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml
from nofreelunch.evaluation import lesions, patterns, rate_maps
from nofreelunch.findings import intervals, network_measures, verdicts
from nofreelunch.networks import loss_steps
from nofreelunch.networks.shapes import cells
from nofreelunch.scoring import calibration, grid_scores, significance, surrogates
from nofreelunch.study import sweeps
from nofreelunch.study.schema import load_schema
from nofreelunch.task import place_cells, trajectories
from nofreelunch.task.catalogue import catalogue
from nofreelunch.task.names import target_name
from nofreelunch.theory import pattern_formation, spectra
from nofreelunch.training import optimizers, trained

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
TEXT = " ".join(PAGE.split())
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
SPEC = {
    k: rule.get("default")
    for k, rule in load_schema("study")["properties"]["defaults"]["properties"].items()
}
ADAM = optimizers.OPTIMIZERS["adam"]


def walks(which: str, key: str):
    rules = load_schema("study")["properties"]["trajectories"]["properties"][which]
    return rules["properties"][key]["default"]


SAID = {
    "arena": f"$L = {trajectories.ARENA:g}$ m",
    "time step": rf"$\Delta t = {trajectories.TIME_STEP:g}$ s",
    "speed": f"Rayleigh distribution of scale {trajectories.SPEED_SCALE:.4f} m/s",
    "mean speed": f"mean is {trajectories.SPEED_SCALE * np.sqrt(np.pi / 2):.2f} m/s",
    "turns": f"standard deviation {trajectories.TURN_NOISE:.2f} rad/s",
    "walls": f"closer than {trajectories.WALL_REGION:g} m",
    "slowing": rf"$\gamma_t = {trajectories.WALL_SLOWING:g}$",
    "steps": f"$T = {SPEC['sequence_length']}$ steps, held-out walks "
    f"{walks('evaluation', 'steps')}",
    "place cells": f"default width is {SPEC['place_cell_width']} m and the default ratio of widths "
    f"{SPEC['surround']['width_ratio']:g}.",
    "decoder": f"mean centre of the {place_cells.DECODED_CELLS} cells",
    "pool": f"pool holds {walks('training', 'count'):,} walks",
    "loss steps": f"at the first {loss_steps.ALWAYS} time steps",
    "adam": rf"$\beta_1 = {ADAM.keep_mean:g}$, $\beta_2 = {ADAM.keep_square:g}$ and "
    rf"$\epsilon = 10^{{{np.log10(ADAM.epsilon):.0f}}}$",
    "warm-up": rf"$\min(1, {1 / optimizers.WARM_UP:g} (k + 1) / K)$",
    "divergence": f"above {trained.GROWN:g} times its first",
    "bins": f"bin of side {CONFIG['rate_maps']['bin_size']:g} m",
    "error": f"{CONFIG['thresholds']['position_error_horizon']} steps of "
    f"{rate_maps.DECODED_TRAJECTORIES:,} held-out walks. An error below "
    f"{CONFIG['thresholds']['position_error']:g} m",
    "ridge": rf"penalty of $10^{{{np.log10(rate_maps.RIDGE):.0f}}}$",
    "rings": rf"${grid_scores.INNER_RADIUS:g}\, n < |\mathbf{{u}}| \le e_j n$",
    "radii": f"for {grid_scores.OUTER_RADII.size} outer radii $e_j$ from "
    f"{grid_scores.OUTER_RADII[0]:g} to {grid_scores.OUTER_RADII[-1]:g}.",
    "variance": rf"+ 10^{{{np.log10(grid_scores.VARIANCE_OFFSET):.0f}}}",
    "grid-like": f"*grid-like* above {CONFIG['thresholds']['grid_cells']:g}.",
    "surrogates": f"{CONFIG['scores']['surrogates']} of each at most",
    "batches": f"batches of {significance.BATCH}. Once {significance.ENOUGH} of one kind",
    "fields": f"fewer than {surrogates.LEAST_FIELDS} fields has $p = 1$",
    "false discoveries": f"rate of {100 * network_measures.DISCOVERY_RATE:g} %",
    "calibration": f"Of {calibration.UNITS} active units of each network, one surrogate of each "
    f"kind is tested as if it were a unit, against {calibration.SURROGATES} surrogates",
    "level": rf"share with $p \le {significance.LEVEL:g}$ is the size",
    "lesions": f"drawn at random, {lesions.DRAWS} times",
    "lesion errors": f"is that of {lesions.TRAJECTORIES} held-out walks",
    "replicates": f"Means need {verdicts.FEWEST_SEEDS} networks, shares of networks "
    f"{verdicts.FEWEST_NETWORKS}.",
    "confidence": f"intervals are at {100 * intervals.wilson.__defaults__[0]:g} %",
    "grid of positions": f"grid of {spectra.RESOLUTION} × {spectra.RESOLUTION} positions",
    "patterns": f"$h = {pattern_formation.STEP:g}$",
    "number of patterns": f"each target and activation {patterns.COUNT} of them",
    "growth": f"{patterns.STEPS:,} steps, with opposite walls joined, and are scored as units are, "
    f"with {patterns.SURROGATES} surrogates",
    "seeds": f"Seeds start at {sweeps.load_study('laptop').defaults['seed']}",
}


@pytest.mark.parametrize("what", SAID)
def test_a_number_is_the_codes(what):
    assert SAID[what] in TEXT


def test_every_target_has_its_names():
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|", PAGE, re.MULTILINE)
    names = [
        (target, target_name(target), facts.short.replace("-\n", "-").replace("\n", " "))
        for target, facts in catalogue().items()
    ]
    assert rows == names


@pytest.mark.parametrize(("column", "name"), [(1, "laptop"), (2, "evening")])
def test_the_table_of_studies(column, name):
    study = sweeps.load_study(name)
    spec = study.defaults
    table = PAGE.split("## Two studies")[1].split("\n\n")[1].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in table]
    expected = {
        "networks": f"{len(study.networks)}",
        "place cells": f"{spec['place_cells']}",
        "width of place fields (m)": f"{spec['place_cell_width']:g}",
        "units": f"{spec['units']}",
        "training steps": f"{spec['steps']:,}",
        "batch size": f"{spec['batch_size']}",
        f"loss steps of {spec['sequence_length']}": f"{spec['loss_steps']}",
        "learning rate": f"{spec['learning_rate']:g}",
        "schedule": f"`{spec['schedule']}`",
        "weight decay": f"{spec['weight_decay']:g}",
        "seeds of the reference": f"{len(study.sweeps['reference'])}",
        "held-out walks": f"{study.trajectories['evaluation']['count']:,}",
    }
    assert {row[0]: row[column] for row in cells} == expected


def test_the_smallest_grid_fraction():
    """20 / (1 + m), as the page says, is what the claims quote."""

    networks = xr.Dataset(attrs={"surrogates": 400})
    assert network_measures.least_fraction(networks) == pytest.approx(20 / 401)


def test_scales_of_the_start():
    """Studies give the scale 16 to Gaussian codes and 1 to coordinates."""
    for name in ("laptop", "evening"):
        for network in sweeps.load_study(name).networks:
            spec, facts = network.spec, catalogue()[network.spec["target"]]
            if not cells()[spec["cell"]].recurrent:
                assert spec["encoder_scale"] is None
            elif "place_cell_width" not in facts.uses:
                assert spec["encoder_scale"] == 1
            elif facts.centre_surround is None:
                assert spec["encoder_scale"] == 16
            else:
                assert spec["encoder_scale"] == spec["place_cells"]
