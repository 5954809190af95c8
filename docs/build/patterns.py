"""Writes docs/patterns.md and its picture: lattices that grow from targets without a network.

make STUDY=docs/build/joined_walls.yaml
python docs/build/patterns.py docs/patterns.md results/joined_walls
"""

import sys
import textwrap
from pathlib import Path

import numpy as np
import periods
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from nofreelunch.evaluation.patterns import STEPS, SURROGATES, measure_patterns
from nofreelunch.figures import style
from nofreelunch.findings import network_measures, verdicts
from nofreelunch.findings.claims import tables
from nofreelunch.findings.predictions import small_p, typical
from nofreelunch.findings.summary import open_summary
from nofreelunch.findings.talks import WIDTHS
from nofreelunch.scoring.grid_scores import grid_scores
from nofreelunch.scoring.significance import LEVEL
from nofreelunch.theory.spectra import spectrum

PAGE = """# Lattices without a network

A target can put lattices into a network. Does it need the network? The pattern formation of
Sorscher et al. (2019) asks the target alone: maps grow from noise by the dynamics that the target's
covariance sets, with a ReLU, in a box with joined walls ([theory.md](theory.md)). No velocity, no
path integration and no training enters. Here such maps are scored like the units of networks.

Targets are differences of softmaxes with 512 place cells in a box of 2.2 m, and 2,048 in one of
4.4 m. Every number is of {count} maps after {steps:,} steps, with {surrogates} surrogates of each
kind. *Score* is that of the median map. Of maps without a lattice, about 5 % have p ≤ 0.05.
*Significant* maps pass a false-discovery rate of 5 % within the {count}. ([periods.md](periods.md)
stops after 500 steps and counts maps with a period, so its counts differ.)

![Patterns at some widths and boxes, and the share of lattices against the width](patterns.png)

*Left: the median pattern and its score (★ significant). Right: share of patterns with p ≤ 0.05
against the width of place cells, by box. Grey: 5 %.*

{table}

## What this shows

- **The target is enough, where there is room.** In a box of 4.4 m {wide} of the patterns have
  p ≤ 0.05, on average over the {widths} widths of the workshop talk.
- **The ratio of the width to the box decides.** In 2.2 m {narrow} have p ≤ 0.05 on average: {most}
  at σ {best:.2f} m, and {least} at σ {worst:.2f} m, where {squares} have a square score above 0.8.
  Only some waves fit a box with joined walls. Presumably patterns are squares or mixtures where no
  three of these waves are both near the ring and 60° apart. At 0.12 m the share is {reference} in
  2.2 m and {reference_wide} in 4.4 m. A wide box alone is not enough: at 0.20 m in 4.4 m it is
  {widest}, and at the same ratio, 0.10 m in 2.2 m, {half}.
- **From 0.15 to 0.18 m in 2.2 m the test is at its limit.** Patterns are hexagonal there, with
  scores above 1. So few fields fit that their p-values lie near 0.05. The shares there say how
  strong the test is.
- **A centimetre can matter without any network.** In the small box the share jumps from one width
  to the next. The talk saw jumps in trained networks (Result 3), at other widths. But networks are
  trained in arenas with walls, which do not select waves in this way.

## Do networks follow?

In an arena with joined walls the theory should hold best. In one of 2.2 m, {count_networks}
networks of each of two widths were trained: 0.11 m, where all patterns are lattices, and 0.13 m,
where none is. Shares are means over networks with their 95 % intervals. *Lattices
that pass*: of perfect lattices made of the units' own fields, those with p ≤ 0.05.

{networks}

{followed}

Every study has the patterns of its own targets: `patterns.nc`, the figure `patterns`, and claim Tc.
`measure_patterns` in `evaluation/patterns.py` makes them for any target.

Made by `make STUDY=docs/build/joined_walls.yaml` and `python docs/build/patterns.py
docs/patterns.md results/joined_walls`, in some minutes.
"""
COUNT = 24
BOXES = (2.2, 4.4)  # m
SHOWN = ((0.11, 2.2), (0.13, 2.2), (0.11, 4.4), (0.13, 4.4))


def grown(width: float, box: float) -> xr.Dataset:
    """The patterns with a ReLU of one width in a box of one side."""
    found = measure_patterns([spectrum(periods.target(width, box))], COUNT, ["relu"])
    return found.isel(target=0, activation=0)


def cell(found: xr.Dataset) -> str:
    """What the table says of one width and box."""
    score = style.score_text(float(typical(found)["score_60"]))
    significant = 100 * float(found["significant"].mean())
    return f"{score} / {100 * small_p(found):.0f} / {significant:.0f}"


def squares(found: xr.Dataset) -> float:
    """Share of the patterns whose square score is above 0.8."""
    return float((grid_scores(found["rate_map"])["score_90"].isel(definition=0) > 0.8).mean())


def table(found: dict[tuple[float, float], xr.Dataset]) -> str:
    heads = ["σ, m", *(f"box of {box:g} m: score / p ≤ 0.05, % / significant, %" for box in BOXES)]
    rows = [[f"{w:.2f}", *(cell(found[w, box]) for box in BOXES)] for w in WIDTHS]
    return tables.table(heads, rows)


@style.styled
def draw(found: dict[tuple[float, float], xr.Dataset]) -> Figure:
    figure = style.figure(height=72)
    maps, curves = figure.subfigures(1, 2, width_ratios=[1, 1.3])
    for axes, key in zip(maps.subplots(2, 2).flat, SHOWN, strict=True):
        _typical(axes, found[key], f"σ {key[0]:.2f} m, box {key[1]:g} m")
    axes = curves.subplots()
    for box, look in zip(BOXES, ("o-", "s--"), strict=True):
        values = [100 * small_p(found[width, box]) for width in WIDTHS]
        axes.plot(WIDTHS, values, look, color=style.INK, markersize=4, label=f"box of {box:g} m")
    axes.axhline(100 * LEVEL, color=style.CHANCE, linewidth=1, zorder=0)
    axes.set_ylim(-2, 102)
    axes.set_ylabel(f"patterns with p ≤ {LEVEL} (%)")
    style.width_ticks(axes, WIDTHS)
    curves.legend(loc="outside lower center", ncols=2)
    return figure


def _typical(axes: Axes, found: xr.Dataset, title: str) -> None:
    one = typical(found)
    style.draw_map(axes, one["rate_map"].values)
    score = style.score_text(float(one["score_60"]), bool(one["significant"]))
    axes.set_title(f"{title}\n{score}", fontsize=7)


def followed(folder: str) -> dict[str, str | int]:
    """The networks of a finished study, by width: a table, and what it says."""
    summary = open_summary(f"{folder}/summary.nc", f"{folder}/units.nc")
    heads = ["σ, m", "error, cm (20 / 50 steps)", "units > 0.8, %", "p ≤ 0.05, %", "significant"]
    heads += ["lattices that pass, %", "hexagonal / square / stripe, %"]
    rows, small = [], {}
    for width in np.unique(summary["place_cell_width"]):
        networks = summary.isel(network=np.flatnonzero(summary["place_cell_width"] == width))
        small[width] = verdicts.over_seeds(100 * network_measures.small_p_values(networks))
        above = verdicts.over_seeds(100 * network_measures.share_above(networks, 0.8))
        errors = 100 * networks["position_error"].mean("network").values
        kinds = 100 * networks["class_fraction"].mean("network")
        rows.append(
            [
                f"{width:.2f}",
                " / ".join(f"{error:.1f}" for error in errors),
                *(f"{e.value:.1f} [{e.low:.1f}, {e.high:.1f}]" for e in (above, small[width])),
                f"{int(network_measures.significant(networks).sum())}",
                f"{100 * network_measures.lattices(networks).power:.0f}",
                " / ".join(
                    f"{float(kinds.sel(lattice_class_name=kind)):.1f}"
                    for kind in ("hexagonal", "square", "stripe")
                ),
            ]
        )
    return {
        "count_networks": networks.sizes["network"],
        "networks": tables.table(heads, rows),
        "followed": _said(small[0.11]),
    }


def _said(small: verdicts.Estimate) -> str:
    """Whether networks have lattices where all patterns are some."""
    if small.low > 100 * LEVEL:
        text = "Networks have more such units than chance where all patterns are lattices."
    else:
        text = (
            "Networks do not follow: where all patterns are lattices, no more of their units have "
            "p ≤ 0.05 than chance gives. The theory describes patterns that grow without a "
            "network and without limit. It does not say what a network has learnt in the end: "
            "[conditions.md](conditions.md) shows what lies between."
        )
    return textwrap.fill(text, 100)


def main(page: str, folder: str) -> None:
    found = {(width, box): grown(width, box) for box in BOXES for width in WIDTHS}
    path = Path(page)
    style.save_figure(draw(found), path.with_suffix(""))
    for kind in (".pdf", ".svg"):
        path.with_suffix(kind).unlink()
    path.write_text(
        PAGE.format(table=table(found), **numbers(found), **followed(folder)), encoding="utf-8"
    )


def numbers(found: dict[tuple[float, float], xr.Dataset]) -> dict[str, str | float | int]:
    """What the sentences of the page say."""
    small = {width: 100 * small_p(found[width, BOXES[0]]) for width in WIDTHS}
    best, worst = max(small, key=small.__getitem__), min(small, key=small.__getitem__)
    return {
        "count": COUNT,
        "surrogates": SURROGATES,
        "steps": STEPS,
        "widths": len(WIDTHS),
        "wide": _mean(found, BOXES[1]),
        "narrow": _mean(found, BOXES[0]),
        "best": best,
        "most": f"{small[best]:.0f} %",
        "worst": worst,
        "least": f"{small[worst]:.0f} %",
        "squares": f"{100 * squares(found[worst, BOXES[0]]):.0f} %",
        "reference": f"{small[0.12]:.0f} %",
        "widest": f"{100 * small_p(found[0.20, BOXES[1]]):.0f} %",
        "half": f"{small[0.10]:.0f} %",
        "reference_wide": f"{100 * small_p(found[0.12, BOXES[1]]):.0f} %",
    }


def _mean(found: dict[tuple[float, float], xr.Dataset], box: float) -> str:
    return f"{100 * np.mean([small_p(found[width, box]) for width in WIDTHS]):.0f} %"


if __name__ == "__main__":
    main(*sys.argv[1:])
