"""Groups of networks of the published models that figures and tables compare."""

from __future__ import annotations

from collections.abc import Callable

import xarray as xr

from nofreelunch.findings.published.model_measures import select, specs

Groups = list[tuple[str, xr.Dataset]]
WITH_ALL = {"stillness": 0.9, "noise": 0.5, "metabolic_cost": 0.1}


def of_sorscher(summary: xr.Dataset) -> Groups:
    """Factorisations, LSTMs and recurrent networks of Sorscher et al., with their labels."""
    lstm = select(summary, part="square_lstm")
    steps = max((spec["steps"] for spec in specs(lstm)), default=0)
    broad = {"kind": "factorisation", "target": "gaussian"}
    ring = {"kind": "factorisation", "target": "difference_of_softmaxes"}
    rnn = select(summary, part="rectification")
    return [
        ("no surround,\nno constraint", select(summary, **broad, method=("ascent", "svd"))),
        ("surround,\nno constraint", select(summary, **ring, method=("ascent", "svd"))),
        ("surround,\nNMF", select(summary, **ring, method="nmf")),
        ("surround,\nrates ≥ 0", select(summary, **ring, method="non_negative_ascent")),
        ("LSTM", select(lstm, steps=steps)),
        ("LSTM,\nuntrained", select(lstm, steps=0)),
        ("RNN, ReLU", select(rnn, activation="relu")),
        ("RNN, tanh", select(rnn, activation="tanh")),
        ("RNN, ReLU,\nuntrained", select(summary, part="untrained")),
    ]


def of_cueva_wei(summary: xr.Dataset) -> Groups:
    """Networks of Cueva & Wei with all ingredients, without each, and in each arena."""
    square, arenas = select(summary, part="ingredients"), select(summary, part="arenas")

    def without(key: str) -> xr.Dataset:
        return select(square, **{**WITH_ALL, key: 0.0})

    return [
        ("all three,\nsquare", select(square, **WITH_ALL)),
        ("without\nnoise", without("noise")),
        ("without\nstill periods", without("stillness")),
        ("without\nthe cost", without("metabolic_cost")),
        ("all three,\nhexagon", select(arenas, shape="hexagon")),
        ("all three,\ntriangle", select(arenas, shape="triangle")),
        ("untrained,\nsquare", select(summary, part="untrained", shape="square")),
    ]


GROUPS: dict[str, Callable[[xr.Dataset], Groups]] = {
    "sorscher_2019": of_sorscher,
    "cueva_wei_2018": of_cueva_wei,
}
