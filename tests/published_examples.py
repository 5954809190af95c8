"""Small jobs of published models, as tests train and measure them."""

import nofreelunch as nfl
from nofreelunch.networks.cohorts import Cohort, Network
from nofreelunch.study.published_models import complete
from nofreelunch.task.foraging_walks import foraging_walk
from nofreelunch.task.still_walks import still_walk

LEAKY = {
    "model": "cueva_wei_2018",
    "part": "ingredients",
    "kind": "leaky_tanh",
    "shape": "square",
    "stillness": 0.5,
    "noise": 0.5,
    "metabolic_cost": 0.1,
    "weight_cost": 0.1,
    "angle": "sine_cosine",
    "recurrent_weights": "orthogonal",
    "units": 12,
    "optimizer": "adam",
    "learning_rate": 0.01,
    "schedule": "constant",
    "weight_decay": 0.0,
    "batch_size": 8,
    "sequence_length": 20,
    "steps": 12,
    "seed": 0,
}
CODES = {
    "target": "gaussian",
    "place_cells": 16,
    "place_cell_width": 0.3,
    "surround": {"width_ratio": 2.0},
    "encoder_scale": 1.0,
}
TRAINED = {key: LEAKY[key] for key in ("optimizer", "learning_rate", "schedule", "batch_size")}
TRAINED |= {
    key: LEAKY[key] for key in ("units", "weight_decay", "sequence_length", "steps", "seed")
}
LSTM = {
    "model": "sorscher_2019",
    "part": "square_lstm",
    "kind": "grid_layer_lstm",
    "activation": "tanh",
    "lstm_units": 6,
    **CODES,
    **TRAINED,
}
RNN = {
    "model": "sorscher_2019",
    "part": "rectification",
    "kind": "rnn",
    "activation": "relu",
    "initializer": "torch_default",
    "loss_steps": 4,
    **CODES,
    **TRAINED,
}
BOTTLENECK = {
    "model": "banino_2018",
    "part": "dropout",
    "kind": "bottleneck_lstm",
    "lstm_units": 8,
    "bottleneck_bias": True,
    "dropout": 0.5,
    "direction_cells": 4,
    "concentration": 2.0,
    "clip": 0.1,
    "clip_scope": "heads",
    "decay_scope": "heads",
    "loss_every": 2,
    "place_cells": 16,
    "place_cell_width": 0.3,
    **{key: value for key, value in TRAINED.items() if key != "optimizer"},
    "learning_rate": 0.003,
    "weight_decay": 0.001,
}
THREE_LAYER = RNN | {
    "model": "nayebi_2021",
    "part": "trained",
    "kind": "three_layer",
    "initializer": "glorot_uniform",
    "cell": "ugrnn",
    "variant": "cue",
}
FACTORS = {
    "model": "sorscher_2019",
    "part": "factorisations",
    "kind": "factorisation",
    "method": "svd",
    "target": "gaussian",
    "place_cells": 64,
    "place_cell_width": 0.2,
    "surround": {"width_ratio": 2.0},
    "units": 4,
    "seed": 0,
}
GRAPHS = {
    "model": "whittington_2020",
    "part": "links",
    "kind": "graph_memory",
    "graph": "square",
    "sides": {"least": 2, "most": 3},
    "stays": {"least": 2, "most": 4},
    "symbols": 6,
    "modules": [6, 4],
    "phases": [3, 2],
    "ramps": {"latent": 20, "forgetting": 20, "writing": 20, "sparse": 20},
    "optimizer": "adam",
    "learning_rate": 0.005,
    "schedule": "constant",
    "batch_size": 8,
    "sequence_length": 10,
    "steps": 12,
    "seed": 0,
}
BOXED = {  # kinds with walks in boxes
    "leaky_tanh": LEAKY,
    "grid_layer_lstm": LSTM,
    "rnn": RNN,
    "three_layer": THREE_LAYER,
    "bottleneck_lstm": BOTTLENECK,
}
KINDS = {**BOXED, "graph_memory": GRAPHS}


def job(kind: str, *changes: dict) -> Cohort:
    """A cohort of networks of a kind, one for each mapping of keys that differ from the example."""
    networks = [Network(complete(KINDS[kind] | change)) for change in changes or ({},)]
    return Cohort("job", tuple(networks))


def walks(kind: str, count: int = 60, steps: int = 20, seed: int = 1):
    """Walks that a kind of networks is trained on; None for those that draw their own."""
    if kind == "graph_memory":
        return None
    if kind == "leaky_tanh":
        return still_walk(count, steps, seed, "square", 0.5)
    if kind == "bottleneck_lstm":
        return foraging_walk(count, steps, seed)
    return nfl.random_walk(count, steps, seed)
