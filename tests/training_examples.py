"""Small cohorts to train, and what to compare of them."""

import os
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np
import pytest
import torch
from nofreelunch.compute import kernels
from nofreelunch.networks.cohorts import Cohort, Network
from nofreelunch.task.trajectories import random_walk
from nofreelunch.training import loop
from nofreelunch.training.minibatches import Pool

LENGTH, STEPS = 5, 80
CPU = torch.device("cpu")
# Vector instructions round the ends of an array otherwise, so that weights of a network alone and
# in a cohort differ by 1e-7 after 200 steps; the rest is room for other processors. That is for
# smooth activations: where rounding moves a unit over the kink of a ReLU, the gradient jumps. And
# for these networks: chaotic ones amplify rounding, alone as well as in a cohort.
ROUNDING = 1e-5
SMOOTH = {"activation": "tanh"}


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
        "loss_steps": "all",
        "steps": STEPS,
        "seed": seed,
    }
    assert set(keys) <= {*spec, "arena", "periodic"}
    return spec | keys


def cartesian(**keys):
    unused = ("place_cells", "place_cell_width", "surround", "fields_per_cell")
    return make(target="cartesian", encoder_scale=1.0, **dict.fromkeys(unused), **keys)


def mixed(**keys):
    """Networks that differ in all that a cohort may mix; `keys` are common to all, SMOOTH first."""
    differ = (
        {"place_cells": 16, "dropout": {"readout": 0.2, "recurrent": 0.0}},
        {
            **{"place_cells": 12, "batch_size": 4, "sequence_length": 3, "steps": STEPS + 40},
            **{"optimizer": "rmsprop", "learning_rate": 5e-4, "schedule": "constant"},
            "place_cell_width": {"uniform": [0.2, 0.4]},
        },
        {
            **{"place_cells": 20, "batch_size": 13, "sequence_length": 1, "steps": STEPS + 10},
            **{"optimizer": "sgd", "learning_rate": 0.1, "weight_decay": 1e-3},
            "dropout": {"readout": 0.0, "recurrent": 0.3},
            "surround": {"width_ratio": {"uniform": [1.5, 3.0]}},
        },
        {
            **{"place_cells": 14, "batch_size": 1, "sequence_length": 4, "steps": 40},
            **{"optimizer": "adagrad", "learning_rate": 0.02, "initializer": "orthogonal"},
            "encoder_scale": 2.0,
        },
    )
    return [make(**{"seed": 5 + k, **SMOOTH, **own, **keys}) for k, own in enumerate(differ)]


def walks(length=LENGTH):
    return random_walk(500, length, seed=1)


def cohort(specs, name="cohort"):
    return Cohort(name, tuple(map(Network, specs)))


def train(specs, pool, **options):
    return loop.train(cohort(specs), pool, "cpu", **options)


def stacked(specs, pool):
    """The networks before their first step."""
    return loop.TrainingStack(range(len(specs)), specs, Pool(pool, specs, CPU), "float32")


def weights(trained, network):
    """Weights of the `network`-th network, by name."""
    return {k: v.values[network] for k, v in trained.items() if k.startswith("weight_")}


def farthest(one, other):
    """Largest difference between two networks' weights; those of a larger stack end in zeros."""
    assert set(one) == set(other)
    return max(abs(_difference(one[k], other[k])).max() for k in one)


def _difference(one, other):
    shape = np.maximum(one.shape, other.shape)
    one, other = (
        np.pad(w, [(0, more) for more in shape - np.array(w.shape)]) for w in (one, other)
    )
    return one - other


@contextmanager
def passes(kind):
    """Make the passes that `kernels.c` knows by "kernels", or composed of "torch" functions."""
    with patch.dict(os.environ, NOFREELUNCH_KERNELS=str(int(kind == "kernels"))):
        kernels.library.cache_clear()
        try:
            if kind == "kernels" and kernels.library() is None:
                pytest.skip("no C compiler here")
            yield
        finally:
            kernels.library.cache_clear()
