"""What every name in the project's files means: variables of netCDF, columns of tables, attributes.

A name has one meaning, wherever it stands. `describe` writes it into each file by the CF
conventions, and docs/columns.md lists all.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from nofreelunch import __version__
from nofreelunch.files.meaning import DIVERGED, Meaning
from nofreelunch.files.published_meanings import PUBLISHED

CONVENTIONS = "CF-1.11"
REFERENCE = "Schaeffer, Khona & Fiete (2022), No Free Lunch from Deep Learning in Neuroscience"
NO_YES = ("no", "yes")


INACTIVE = "the unit is not active"
NO_LATTICE = "the map has no lattice: lattice_reason says why"
NO_SURROGATES = "no surrogates were scored"
NOT_SCORED = f"{INACTIVE}, or {NO_SURROGATES}"
_SHARE = f"{DIVERGED}, or no unit is active"
_CHANCE = f"{DIVERGED}, no unit is active, or {NO_SURROGATES}"

LABELS = {
    "network": Meaning("identifier of the network: a digest of its specification and seed", ""),
    "cohort": Meaning("networks trained side by side; name of their files", ""),
    "unit": Meaning("number of the unit in its network, from 0"),
    "sweep": Meaning("block of the study", ""),
    "spec": Meaning("whole specification as JSON, of a network or of a target", ""),
    "definition": Meaning("definition of the grid score: min_max or mean", ""),
    "kind": Meaning("kind of surrogates: random phases or shuffled fields", ""),
    "surrogate": Meaning("number of the surrogate"),
    "sample": Meaning("number of the unit that a map of known answer was made from"),
    "made": Meaning("what a map of known answer is: a surrogate of a kind, or a lattice", ""),
    "threshold": Meaning("grid score that units are counted above"),
    "reported": Meaning("whether figures show the threshold"),
    "lesion": Meaning("which tenth of the active units is silenced, if any", ""),
    "horizon": Meaning("steps from the start over which position errors are averaged"),
    "lattice_class_name": Meaning("name of the lattice class", ""),
    "checkpoint": Meaning("number of the point of the learning curve"),
    "step": Meaning("training steps done; -1 where the curve has ended"),
    "axis": Meaning("direction in the arena: x or y", ""),
    "moment": Meaning("time since the start of the walk", "s"),
    "y": Meaning("centre of the bin along y, the middle of the arena being 0", "m"),
    "x": Meaning("centre of the bin along x, the middle of the arena being 0", "m"),
    "dy": Meaning("shift along y", "m"),
    "dx": Meaning("shift along x", "m"),
    "ky": Meaning("waves along y, in cycles per box"),
    "kx": Meaning("waves along x, in cycles per box"),
    "radius": Meaning("length of the wave vector, in cycles per box"),
}
SPECIFICATION = {
    "target": Meaning("encoding of position that the network is trained to report", ""),
    "cell": Meaning("recurrent cell", ""),
    "activation": Meaning("activation function", ""),
    "optimizer": Meaning("optimiser", ""),
    "units": Meaning("units of the layer that is analysed, by the specification"),
    "seed": Meaning("seed of the network"),
    "learning_rate": Meaning("learning rate at its highest"),
    "weight_decay": Meaning("penalty on squared weights"),
    "place_cell_width": Meaning(
        "standard deviation of place fields", "m", "widths vary in the network, or it has no fields"
    ),
}
TRAINING = {
    "position": Meaning(
        "position, the middle of the arena being 0; beyond the walls of a periodic one", "m"
    ),
    "velocity": Meaning("displacement in a step of 0.02 s", "m"),
    "heading": Meaning("direction of movement; a still animal keeps its heading", "rad"),
    "wall": Meaning("whether a wall turned the animal in the step"),
    "loss": Meaning(
        "loss of the target without weight decay: along training, or mean of its last tenth",
        missing="the curve has ended, or the loss was not finite",
    ),
    "diverged": Meaning("whether training failed: no finite loss or weights, or a loss that grew"),
    "position_error": Meaning(
        "mean distance of the position that the target's own decoder reads out",
        "m",
        f"the curve has ended, or {DIVERGED}",
    ),
    "lesion_error": Meaning(
        "mean position error with these units silenced, over the first steps of a walk",
        "m",
        f"no unit is active, {DIVERGED}, or it is no reference network",
    ),
    "ridge_error": Meaning(
        "mean distance of the position that a ridge regression reads from all units", "m", DIVERGED
    ),
    "low_error": Meaning("whether position_error is below the study's threshold"),
}
MAPS = {
    "rate_map": Meaning(
        "mean activity of the unit in each bin, in the network's own unit",
        missing="the bin was not visited",
    ),
    "occupancy": Meaning("samples in the bin"),
}
SCORES = {
    "score_60": Meaning(
        "grid score: correlation of the autocorrelogram's ring with itself at 60 and 120 degrees, "
        "less that at 30, 90 and 150 degrees",
        missing=DIVERGED,
    ),
    "ring_60": Meaning("outer radius of the ring of score_60, by the map's side", missing=INACTIVE),
    "score_90": Meaning(
        "square score: correlation at 90 degrees, less the mean at 45 and 135 degrees",
        missing=DIVERGED,
    ),
    "ring_90": Meaning("outer radius of the ring of score_90, by the map's side", missing=INACTIVE),
    "gridness": Meaning(
        "as score_60, in a ring that grows from the centre field", missing=INACTIVE
    ),
    "period": Meaning("distance of the lattice's neighbouring points", "m", NO_LATTICE),
    "orientation": Meaning("direction of the lattice, counter-clockwise from x", "rad", NO_LATTICE),
    "ellipticity": Meaning("ratio of the axes of the lattice's ellipse", missing=NO_LATTICE),
    "quality": Meaning(
        "lowest correlation at six peaks, less the highest between", "1", NO_LATTICE
    ),
    "fit": Meaning("agreement of the autocorrelogram with that of the lattice", "1", NO_LATTICE),
    "lattice_reason": Meaning("why the map has no lattice"),
    "field_count": Meaning("separate firing fields; those cut by a wall count"),
    "spatial_information": Meaning("spatial information, in bits per spike", "bit", INACTIVE),
    "sparsity": Meaning("about the share of the arena where the unit fires", missing=INACTIVE),
    "border_score": Meaning("how well one field covers one wall, -1 to 1", missing=INACTIVE),
    "stability": Meaning(
        "correlation of the maps of two halves of the walks",
        missing=f"{INACTIVE}, or a half is constant",
    ),
    "active": Meaning("whether the unit's rate varies in space"),
    "dead": Meaning("whether the unit's rate is zero everywhere"),
    "constant": Meaning("whether the unit's rate is alike everywhere"),
    "present": Meaning("whether the network has a unit of this number"),
}
CHANCE = {
    "p_value": Meaning("larger p-value of both kinds of surrogates", missing=NOT_SCORED),
    "p_phase": Meaning("p-value against random phases", missing=NOT_SCORED),
    "p_shuffle": Meaning(
        "p-value against shuffled fields; 1 for a map of fewer than two fields", missing=NOT_SCORED
    ),
    "null_95": Meaning(
        "grid score that 5 % of the surrogates exceed, of the kind that is harder to beat",
        missing=NOT_SCORED,
    ),
    "surrogate_score": Meaning(
        "grid scores of the first surrogates of each kind",
        missing=f"{INACTIVE}, or the map has fewer than two fields, so nothing to shuffle",
    ),
    "significant": Meaning("whether p_value passes at a false-discovery rate of 5 %"),
    "calibration_p_value": Meaning(
        "p-value of a map whose answer is known",
        missing="the map has too few fields, or the network too few active units",
    ),
    "lattice_class": Meaning("which kind of lattice is farthest above chance"),
    "lattice_p_value": Meaning(
        "p-value of lattice_class",
        missing=f"all scores are too low for a test, so the class is other; or {NOT_SCORED}",
    ),
    "modules": Meaning("grid modules among significant units; 0 if fewer than ten have a period"),
    "modules_low": Meaning("lower end of the middle 95 % of modules", missing="modules is 0"),
    "modules_high": Meaning("upper end of the middle 95 % of modules", missing="modules is 0"),
    "modules_units": Meaning("significant units with a period, which modules rests on"),
}
SHARES = {
    "max_score": Meaning("highest score_60 (min_max) of the network's units", missing=DIVERGED),
    "has_grid_cells": Meaning("whether max_score reaches the study's threshold for grid cells"),
    "units_present": Meaning("units of the network"),
    "units_active": Meaning("active units of the network"),
    "units_dead": Meaning("dead units of the network"),
    "units_constant": Meaning("constant units of the network"),
    "fraction_above": Meaning("share of all units with score_60 above a threshold", "1", DIVERGED),
    "fraction_above_active": Meaning(
        "share of the active units with score_60 above a threshold", missing=_SHARE
    ),
    "chance_fraction_above": Meaning(
        "share of surrogates of all units above a threshold",
        missing=f"{DIVERGED}, or {NO_SURROGATES}",
    ),
    "grid_fraction": Meaning("share of the active units that are significant", missing=_CHANCE),
    "grid_fraction_present": Meaning(
        "share of all units that are significant", missing=f"{DIVERGED}, or {NO_SURROGATES}"
    ),
    "class_fraction": Meaning("share of the active units of a lattice class", missing=_CHANCE),
    "test_size": Meaning(
        "share of surrogates with a p-value of 0.05 or less",
        missing=f"none was tested, or {_CHANCE}",
    ),
    "test_power": Meaning(
        "share of perfect lattices of the network's fields with a p-value of 0.05 or less",
        missing=f"none was tested, or {_CHANCE}",
    ),
    "in_sweep": Meaning("whether the network belongs to the sweep"),
}
THEORY = {
    "covariance": Meaning("covariance of the target at two places, by their distance"),
    "power": Meaning("power of each wave of the target"),
    "radial_power": Meaning("mean power of the waves of one length"),
    "peak_mode": Meaning("length of the strongest wave, in cycles per box"),
    "annulus_contrast": Meaning("power of the strongest wave over that of one cycle per box"),
    "predicted_period": Meaning(
        "period of the lattice that the target predicts", "m", "it predicts none"
    ),
}
INDEX = {
    "networks_file": Meaning("file of the network's weights and learning curve", ""),
    "rate_maps_file": Meaning("file of its rate maps", ""),
    "scores_file": Meaning("file of its scores", ""),
    "sweeps": Meaning("sweeps that the network belongs to, between spaces", ""),
}
MEANINGS: dict[str, Meaning] = (
    LABELS | SPECIFICATION | TRAINING | MAPS | SCORES | CHANCE | SHARES | THEORY | PUBLISHED | INDEX
)
TITLES = {
    "trajectories": "Random walks",
    "training": "Trained networks: weights and learning curves",
    "rate_maps": "Rate maps of the units of trained networks, and position errors",
    "scores": "Scores of the units of trained networks",
    "theory": "Spectra of targets, and the periods that they predict",
    "patterns": "Maps that grow from targets without a network, and their scores",
    "lesions": "Position errors of the reference networks with units silenced",
    "torus": "Loops and voids in the activity of populations",
    "node_maps": "Predictions of networks on graphs, and maps of their cells over nodes",
    "published": "All networks of a published model",
    "predictivity": "How well networks and controls predict populations of cells",
    "summary": "All networks of a study",
    "units": "All units of a study",
}
ATTRIBUTES = {  # of whole files
    "arena": "side of the square arena, or of the square around another arena, m",
    "periodic": "1 where opposite walls of the arena are joined",
    "shape": "shape of the arena",
    "graph": "lattice of the graphs",
    "stillness": "probability of standing still in a step",
    "mean_step": "mean length of a step, m",
    "paper": "paper of the model",
    "networks_are": "what the networks of the model are, in a few words",
    "budget": "budget of training: minutes, or the paper's",
    "deviations": "what differs from the paper, JSON",
    "bin_size": "side of a bin of the rate maps, m",
    "box": "side of the periodic box of the spectrum, m",
    "time_step": "duration of a step, s",
    "seed": "seed of the walks",
    "symmetries": "1 if these walks are also trained on turned and mirrored, else 0",
    "place_cell_seed": "seed of the places of the target's cells",
    "pool_seed": "seed of the walks that were trained on",
    "pool_trajectories": "number of walks that were trained on",
    "pool_images": "images of each of these walks, turned and mirrored: 8, or 1 for the walk alone",
    "pool_content": "digest of these walks",
    "evaluation_seed": "seed of the walks that the maps rest on",
    "device": "where it was computed",
    "precision": "numbers that matrix products were computed with",
    "surrogates": "most surrogates of each kind per unit; 0 for none",
    "study": "name of the study",
    "defaults": "specification of the reference configuration, JSON",
    "position_error_threshold": "position error below which low_error holds, m",
    "position_error_horizon": "horizon of that error, steps",
    "grid_cell_threshold": "score from which has_grid_cells holds",
    "test_size": "share of surrogates with p-values of at most 0.05, over all networks",
    "stage": "what kind of file it is",
    "layout": "version of the names in the files",
    "code_fingerprint": "digest of the code that made it",
    "git_revision": "commit of that code",
    "versions": "versions of the libraries, JSON",
    "content": "digest of all values",
}


def describe(dataset: xr.Dataset, stage: str) -> xr.Dataset:
    """The dataset with the attributes that the CF conventions ask for, from `MEANINGS`.

    Variables get `long_name`, `units` where they are numbers, `flag_values` and `flag_meanings`
    where they are True or False, and a `comment` on when they are NaN. The values stay as they are.
    A name without an entry gets its own words and the unit that it has, or "1".
    """
    described = dataset.copy(deep=False)
    for name, variable in described.variables.items():
        described[name].attrs = _attributes(str(name), variable)
    general = {
        "Conventions": CONVENTIONS,
        "title": TITLES[stage],
        "source": "nofreelunch: networks trained in simulation",
        "history": f"written by nofreelunch {__version__}",
        "references": REFERENCE,
    }
    return described.assign_attrs(general)


def _attributes(name: str, variable: xr.Variable) -> dict[str, object]:
    words = Meaning(name.replace("_", " "), str(variable.attrs.get("units", "1")))
    meaning = MEANINGS.get(name, words)
    # Counts and sums inherit the attributes of what was counted.
    kept = {k: v for k, v in variable.attrs.items() if k not in ("units", "comment")}
    if variable.dtype == bool:
        kept |= {"flag_values": np.array([0, 1], np.int8), "flag_meanings": " ".join(NO_YES)}
    elif getattr(kept.get("flag_values"), "dtype", None) != variable.dtype:
        kept = {k: v for k, v in kept.items() if not k.startswith("flag_")}
    attributes: dict[str, object] = kept | {"long_name": meaning.text}
    if variable.dtype.kind in "iuf" and "flag_values" not in kept:
        attributes["units"] = meaning.units or "1"
    if meaning.missing:
        attributes["comment"] = f"missing where {meaning.missing}"
    return attributes
