"""Small cohorts to train, and what to compare of them."""

import torch
from nofreelunch import training
from nofreelunch.cohorts import Cohort, Network
from nofreelunch.trajectories import random_walk

# Threads that share products this small wait for each other: up to twenty times slower.
torch.set_num_threads(1)

LENGTH, STEPS = 5, 200
CPU = torch.device("cpu")
# Vector instructions round the ends of an array otherwise, so that weights of a network alone and
# in a cohort differ by 1e-7 after 200 steps; the rest is room for other processors.
ROUNDING = 1e-5


def make(cell="rnn", seed=0, **keys):
    spec = {
        "target": "difference_of_softmaxes",
        "place_cells": 16,
        "place_cell_width": 0.3,
        "surround": {"width_ratio": 2.0},
        "amplitude_ratio": None,
        "fields_per_cell": 1,
        "cell": cell,
        "activation": "relu",
        "units": 12,
        "initializer": "torch_default",
        "encoder_scale": 16.0,
        "dropout": {"readout": 0.0, "recurrent": 0.0},
        "optimizer": "adam",
        "learning_rate": 2e-3,
        "schedule": "cosine",
        "weight_decay": 1e-4,
        "batch_size": 10,
        "sequence_length": LENGTH,
        "steps": STEPS,
        "seed": seed,
    }
    assert set(keys) <= set(spec)
    return spec | keys


def cartesian(**keys):
    unused = ("place_cells", "place_cell_width", "surround", "fields_per_cell")
    return make(target="cartesian", encoder_scale=1.0, **dict.fromkeys(unused), **keys)


def walks():
    return random_walk(500, LENGTH, seed=1)


def train(specs, pool):
    return training.train(Cohort("cohort", tuple(map(Network, specs))), pool, "cpu")


def weights(trained, network):
    """Weights of the `network`-th network, by name."""
    return {k: v.values[network] for k, v in trained.items() if k.startswith("weight_")}


def farthest(one, other):
    """Largest difference between two networks' weights."""
    return max(abs(one[k] - other[k]).max() for k in one)
