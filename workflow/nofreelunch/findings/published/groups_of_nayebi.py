"""Groups of the networks of Nayebi et al. that figures, tables and claims compare."""

from __future__ import annotations

import xarray as xr

from nofreelunch.findings.published.model_measures import select, specs

Groups = list[tuple[str, xr.Dataset]]
NAMES = {"ugrnn": "UGRNN", "gru": "GRU", "lstm": "LSTM", "srnn": "SRNN"}
ACTIVATIONS = {"relu": "ReLU", "tanh": "tanh"}
GATED, UNGATED = ("gru", "ugrnn"), "srnn"


def trained(summary: xr.Dataset) -> xr.Dataset:
    """Networks that learned the code of place cells from velocity alone."""
    return select(summary, part="trained")


def untrained(summary: xr.Dataset) -> xr.Dataset:
    """The same kinds of networks as they were drawn."""
    kinds = {(spec["cell"], spec["activation"]) for spec in specs(trained(summary))}
    drawn = select(summary, part="untrained")
    alike = [(spec["cell"], spec["activation"]) in kinds for spec in specs(drawn)]
    return drawn.isel(network=[k for k, holds in enumerate(alike) if holds])


def of_nayebi(summary: xr.Dataset) -> Groups:
    """Networks of Nayebi et al., trained, in their variants, and untrained."""
    groups: Groups = []
    for part, after in (("trained", ""), ("untrained", ",\nuntrained")):
        for activation, phi in ACTIVATIONS.items():
            for cell, name in NAMES.items():
                found = select(summary, part=part, cell=cell, activation=activation)
                if found.sizes["network"]:
                    groups.append((f"{name}, {phi}{after}", found))
    for part, label in (("cue", "UGRNN,\ncues"), ("reward", "UGRNN,\nreward zone")):
        groups.append((label, select(summary, part=part)))
    groups.append(("UGRNN,\nposition", select(summary, part="position")))
    return groups
