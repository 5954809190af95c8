"""Made-up summaries of the model of Nayebi et al.: networks of known predictivity."""

import json

import numpy as np
import xarray as xr
from nofreelunch.evaluation.measure_predictivity import EXAMPLES, FOOTINGS, SOURCES
from published_examples import THREE_LAYER

SEEDS = (10, 11, 12)
POPULATIONS = ("grid", "like_grid", "no_grid", "mixed", "head_direction")
CELLS = {"trained": ("ugrnn", "gru", "srnn"), "untrained": ("ugrnn", "gru", "lstm", "srnn")}


def summary(populations=POPULATIONS, seeds=SEEDS, **of_kind: dict) -> xr.Dataset:
    """Networks whose predictivity is 0.5 everywhere, with a scatter of 0.005.

    `of_kind` has what differs for networks of a part, of a cell of a part ("untrained_srnn") or for
    a control of all ("noise"): value by population, or by (population, footing).
    """
    random = np.random.default_rng(1)
    rows, specs = [], []
    for part, cells in CELLS.items():
        for cell in cells:
            for seed in seeds:
                keys = {"part": part, "cell": cell, "seed": seed, "activation": "relu"}
                specs.append(json.dumps(THREE_LAYER | keys | {"variant": "plain"}))
                own = {**of_kind.get(part, {}), **of_kind.get(f"{part}_{cell}", {})}
                sources = [own, *(of_kind.get(name, {}) for name in SOURCES[1:])]
                rows.append([_scores(populations, values, random) for values in sources])
    random_maps = random.random((len(populations), EXAMPLES, 11, 11))
    return xr.Dataset(
        {
            "predictivity": (("network", "source", "population", "footing"), np.array(rows)),
            "participation_ratio": (
                ("network", "source"),
                random.uniform(5, 40, (len(rows), len(SOURCES))),
            ),
            "small_p_share": ("network", random.uniform(0.02, 0.1, len(rows))),
            "cell_map": (("population", "example", "y", "x"), random_maps),
            "cell_kind": (
                ("population", "example"),
                np.full((len(populations), EXAMPLES), "head_direction"),
            ),
        },
        {
            "network": [f"n{k}" for k in range(len(rows))],
            "spec": ("network", specs),
            "source": list(SOURCES),
            "population": list(populations),
            "footing": list(FOOTINGS),
        },
    )


def _scores(populations, values: dict, random) -> list:
    return [
        [
            values.get((population, footing), values.get(population, 0.5)) + 0.005 * random.normal()
            for footing in FOOTINGS
        ]
        for population in populations
    ]
