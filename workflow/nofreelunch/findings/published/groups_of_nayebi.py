"""Groups of the networks of Nayebi et al. that figures, tables and claims compare."""

from __future__ import annotations

import xarray as xr

from nofreelunch.findings.published.model_measures import Groups, select, specs

NAMES = {"ugrnn": "UGRNN", "gru": "GRU", "lstm": "LSTM", "srnn": "SRNN"}
ACTIVATIONS = {"relu": "ReLU", "tanh": "tanh"}
TRAINED = ("trained", "trained_srnn")  # parts of the model
UNTRAINED = "untrained"
GATED, UNGATED = ("gru", "lstm", "ugrnn"), "srnn"


def trained(summary: xr.Dataset) -> xr.Dataset:
    """Networks that learned the code of place cells from velocity alone."""
    return select(summary, part=TRAINED)


def untrained(summary: xr.Dataset) -> xr.Dataset:
    """As they were drawn, networks with the cells and activations of those that were trained."""
    kinds = {(spec["cell"], spec["activation"]) for spec in specs(trained(summary))}
    drawn = select(summary, part=UNTRAINED)
    alike = [(spec["cell"], spec["activation"]) in kinds for spec in specs(drawn)]
    return drawn.isel(network=[k for k, holds in enumerate(alike) if holds])


def of_nayebi(summary: xr.Dataset) -> Groups:
    """Networks of Nayebi et al., trained, in their variants, and untrained."""
    groups: Groups = []
    for parts, after in ((TRAINED, ""), (UNTRAINED, ",\nuntrained")):
        for activation, phi in ACTIVATIONS.items():
            for cell, name in NAMES.items():
                found = select(summary, part=parts, cell=cell, activation=activation)
                if found.sizes["network"]:
                    groups.append((f"{name}, {phi}{after}", found))
    for part, label in (("cue", "cues"), ("reward", "reward zone"), ("position", "position")):
        groups.append((f"UGRNN,\n{label}", select(summary, part=part)))
    return groups
