"""Groups of networks of Sorscher et al. that the figure and the table compare."""

from __future__ import annotations

import xarray as xr

from nofreelunch.findings.published.model_measures import Groups, select, specs


def of_sorscher(summary: xr.Dataset) -> Groups:
    """Factorisations, LSTMs and recurrent networks of Sorscher et al., with their labels."""
    lstm = select(summary, part="square_lstm")
    steps = max((spec["steps"] for spec in specs(lstm)), default=0)
    broad = {"kind": "factorisation", "target": "gaussian"}
    ring = {"kind": "factorisation", "target": "difference_of_softmaxes"}
    factors = select(summary, **ring, method="nmf")
    sizes = sorted({spec["units"] for spec in specs(factors)})
    rnn = select(summary, part="rectification")
    return [
        ("no surround,\nno constraint", select(summary, **broad, method=("ascent", "svd"))),
        ("surround,\nno constraint", select(summary, **ring, method=("ascent", "svd"))),
        *((f"surround,\nNMF of {size}", select(factors, units=size)) for size in sizes),
        ("surround,\nrates ≥ 0", select(summary, **ring, method="non_negative_ascent")),
        ("LSTM", select(lstm, steps=steps)),
        ("LSTM,\nuntrained", select(lstm, steps=0)),
        ("RNN, ReLU", select(rnn, activation="relu")),
        ("RNN, tanh", select(rnn, activation="tanh")),
        ("RNN, ReLU,\nuntrained", select(summary, part="untrained")),
    ]
