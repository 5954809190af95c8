"""Writes loss_steps.md: networks trained with the loss at 4 of 20 time steps, and at all.

make STUDY=benchmarks/loss_steps.yaml and make STUDY=benchmarks/loss_steps_reference.yaml, then
python benchmarks/loss_steps.py results/loss_steps results/loss_steps_reference
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import xarray as xr
from nofreelunch.findings import intervals, network_measures
from nofreelunch.findings.summary import open_summary

PAGE = """# Loss at some time steps

Does training with the loss at 4 of 20 time steps (`loss_steps: 4`) give other networks than
training with the loss at all of them? Two studies train networks of both kinds from the same seeds:
the same place cells, first weights and minibatches. Each row has means over networks, and the mean
difference between the two networks of a seed with its 95 % interval (Student's, over seeds).

{tables}

These commands make this page again; it was made with nofreelunch {version}, torch {torch}.

```
{commands}
python benchmarks/loss_steps.py {folders}
```
"""
STUDY = """[{name}.yaml]({name}.yaml): {count} networks of each kind, {units} units,
place fields of {width:g} m, {steps:,} training steps.

| measure | all 20 time steps | 4 time steps | difference |
| --- | ---: | ---: | ---: |
{rows}"""


def main(folders: list[str]) -> None:
    """Compare the networks of the studies in `folders`, seed by seed."""
    studies = [(Path(f).name, open_summary(f"{f}/summary.nc", f"{f}/units.nc")) for f in folders]
    versions = json.loads(studies[0][1].attrs["versions"])
    page = PAGE.format(
        tables="\n\n".join(_table(*study) for study in studies),
        version=versions["nofreelunch"],
        torch=versions["torch"],
        commands="\n".join(f"make STUDY=benchmarks/{name}.yaml" for name, _ in studies),
        folders=" ".join(f"results/{name}" for name, _ in studies),
    )
    Path(__file__).with_suffix(".md").write_text(page, encoding="utf-8")


def _table(name: str, summary: xr.Dataset) -> str:
    """The networks of one study: those with some loss steps beside those with all."""
    specs = [json.loads(str(text)) for text in summary["spec"].values]
    every, some = (
        summary.isel(network=_by_seed(specs, steps)) for steps in ("all", specs_with_number(specs))
    )
    rows = []
    for label, unit, scale, digits, measure in MEASURES:
        with_all, with_some = scale * measure(every), scale * measure(some)
        mean, low, high = intervals.seed_interval(with_some - with_all)
        shown = [f"{v:.{digits}f}" for v in (with_all.mean(), with_some.mean())]
        apart = f"{mean:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"
        row = f"{label}, {unit}" if unit else label
        rows.append(f"| {row} | {shown[0]} | {shown[1]} | {apart} |")
    return STUDY.format(
        name=name,
        count=every.sizes["network"],
        units=specs[0]["units"],
        width=specs[0]["place_cell_width"],
        steps=specs[0]["steps"],
        rows="\n".join(rows),
    )


def specs_with_number(specs: list[dict]) -> int:
    """The number of loss steps of the networks that do not have all."""
    (number,) = {spec["loss_steps"] for spec in specs} - {"all"}
    return number


def _by_seed(specs: list[dict], loss_steps: int | str) -> list[int]:
    """Places of the networks with these loss steps, in the order of their seeds."""
    places = [k for k, spec in enumerate(specs) if spec["loss_steps"] == loss_steps]
    return sorted(places, key=lambda k: specs[k]["seed"])


def _error(horizon: int):
    return lambda networks: networks["position_error"].sel(horizon=horizon).values


def _median_p_value(networks: xr.Dataset) -> np.ndarray:
    return np.nanmedian(networks["p_value"].transpose("network", "unit").values, axis=1)


MEASURES = (
    ("final loss", "nats", 1, 4, lambda networks: networks["loss"].values),
    ("position error over 20 steps", "cm", 100, 1, _error(20)),
    ("position error over 50 steps", "cm", 100, 1, _error(50)),
    ("units above 0.8", "%", 100, 1, lambda n: network_measures.share_above(n, 0.8)),
    ("active units with p ≤ 0.05", "%", 100, 1, network_measures.small_p_values),
    ("median p-value", "", 1, 3, _median_p_value),
)


if __name__ == "__main__":
    main(sys.argv[1:])
