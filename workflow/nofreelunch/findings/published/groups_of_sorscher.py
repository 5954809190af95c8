"""Groups of networks of Sorscher et al. that the figure and the table compare."""

from __future__ import annotations

import xarray as xr

from nofreelunch.findings.published.model_measures import Groups, select, specs


def factors_by_size(summary: xr.Dataset) -> list[tuple[int, xr.Dataset]]:
    """Non-negative factorisations of targets with a surround, by their number of maps."""
    target = "difference_of_softmaxes"
    found = select(summary, kind="factorisation", target=target, method="nmf")
    sizes = sorted({spec["units"] for spec in specs(found)})
    return [(size, select(found, units=size)) for size in sizes]


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
        *((f"surround,\nNMF of {size}", found) for size, found in factors_by_size(summary)),
        ("surround,\nrates ≥ 0", select(summary, **ring, method="non_negative_ascent")),
        ("LSTM", select(lstm, steps=steps)),
        ("LSTM,\nuntrained", select(lstm, steps=0)),
        ("RNN, ReLU", select(rnn, activation="relu")),
        ("RNN, tanh", select(rnn, activation="tanh")),
        ("RNN, ReLU,\nuntrained", select(summary, part="untrained")),
    ]
