"""Targets to test with, and what they have drawn."""

import numpy as np
from nofreelunch.task import targets

GAUSSIAN, DOS, DOG = "gaussian", "difference_of_softmaxes", "difference_of_gaussians"
GENERAL, SOD = "general_difference_of_gaussians", "softmax_of_differences"
PLACE_CELLS = (GAUSSIAN, DOS, DOG, GENERAL, SOD)
COORDINATES = ("cartesian", "high_dim_cartesian", "polar", "high_dim_polar")
SEVERAL = {"poisson": 1.5}


def make(name, width=0.12, ratio=2.0, cells=512, convention="width_ratio", **keys):
    return {
        "target": name,
        "place_cells": cells,
        "place_cell_width": width,
        "surround": {convention: ratio},
        **keys,
    }


def build(name, *args, seed=0, **keys):
    return targets.build_target(make(name, *args, **keys), seed)


def uniform(low, high):
    return {"uniform": [low, high]}


def parameters(target, network=0):
    """What a target has drawn, as numpy arrays of one network."""
    return {key: value[network].numpy() for key, value in target._parameters.items()}


def fields(p, cell):
    """Centre, width and squared surround ratio of every field that a cell has."""
    for i in np.flatnonzero(p["exists"][cell]):
        yield p["centre"][cell, i], p["width"][cell, i], p["surround"][cell, i]
