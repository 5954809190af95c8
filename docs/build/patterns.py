"""Writes docs/patterns.md and its picture: lattices that grow from targets without a network.

python docs/build/patterns.py docs/patterns.md
"""

import sys
from pathlib import Path

import numpy as np
import periods
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from nofreelunch.evaluation.patterns import STEPS, SURROGATES, measure_patterns
from nofreelunch.figures import style
from nofreelunch.findings.talks import WIDTHS
from nofreelunch.scoring.significance import LEVEL
from nofreelunch.theory.spectra import spectrum

PAGE = """# Lattices without a network

A target can put lattices into a network. Does it need the network? The pattern formation of
Sorscher et al. (2019) asks the target alone: maps grow from noise by the dynamics that the target's
covariance sets, with a ReLU, in a box with joined walls ([theory.md](theory.md)). No velocity, no
path integration and no training enters. Here such maps are scored like the units of networks.

Targets are differences of softmaxes with 512 place cells in 2.2 m, or as many per area. Every
number is of {count} maps after {steps:,} steps, with {surrogates} surrogates of each kind. *Score*
is the one in the middle. Of maps without a lattice, about 5 % have p ≤ 0.05. *Significant* maps
pass a false-discovery rate of 5 % within the {count}.

![Patterns at some widths and boxes, and the share of lattices against the width](patterns.png)

*Left: the pattern whose score is in the middle, with this score above (★ significant). Right: share
of patterns with p ≤ 0.05 against the width of place cells, by box. Grey: 5 %.*

{table}

## What this shows

- **The target is enough, where there is room.** In a box of 4.4 m {wide} of the patterns have
  p ≤ 0.05, on average over the {widths} widths of the workshop talk.
- **In a box of 2.2 m it hangs on the width.** There {narrow} have p ≤ 0.05 on average: {most} at
  σ {best:.2f} m, and {least} at σ {worst:.2f} m. Only some waves fit a box with joined walls. Where
  no three of nearly the ring's length are 60° apart, patterns are squares or mixtures.
- **At the width of 0.12 m** the share is {reference} in 2.2 m and {reference_wide} in 4.4 m.
  Networks that are trained in 2.2 m need not have lattices at this width, even if they follow the
  theory.
- **A centimetre can matter without any network.** In the small box the share jumps from one width
  to the next. The talk saw jumps in trained networks (Result 3), at other widths. Arenas with walls
  do not select waves in this way, so this need not be the cause.

Every study has the patterns of its own targets: `patterns.nc`, the figure `patterns`, and claim Tc.
`measure_patterns` in `evaluation/patterns.py` makes them for any target.

Made by `python docs/build/patterns.py docs/patterns.md`, in some minutes.
"""
COUNT = 24
BOXES = (2.2, 4.4)  # m
SHOWN = ((0.11, 2.2), (0.13, 2.2), (0.11, 4.4), (0.13, 4.4))


def grown(width: float, box: float) -> xr.Dataset:
    """The patterns with a ReLU of one width in a box of one side."""
    found = measure_patterns([spectrum(periods.target(width, box))], COUNT, ["relu"])
    return found.isel(target=0, activation=0)


def share(found: xr.Dataset) -> float:
    """Patterns with a small p-value, in %."""
    return 100 * float((found["p_value"] <= LEVEL).mean())


def typical(found: xr.Dataset) -> xr.Dataset:
    """The pattern whose score is in the middle."""
    order = np.argsort(found["score_60"].values, kind="stable")
    return found.isel(unit=order[len(order) // 2])


def cell(found: xr.Dataset) -> str:
    """What the table says of one width and box."""
    score = style.score_text(float(typical(found)["score_60"]))
    significant = 100 * float(found["significant"].mean())
    return f"{score} / {share(found):.0f} / {significant:.0f}"


def table(found: dict[tuple[float, float], xr.Dataset]) -> str:
    heads = ["σ, m", *(f"box of {box:g} m: score / p ≤ 0.05, % / significant, %" for box in BOXES)]
    rows = [[f"{w:.2f}", *(cell(found[w, box]) for box in BOXES)] for w in WIDTHS]
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


@style.styled
def draw(found: dict[tuple[float, float], xr.Dataset]) -> Figure:
    figure = style.figure(height=72)
    maps, curves = figure.subfigures(1, 2, width_ratios=[1, 1.3])
    for axes, key in zip(maps.subplots(2, 2).flat, SHOWN, strict=True):
        _typical(axes, found[key], f"σ {key[0]:.2f} m, box {key[1]:g} m")
    axes = curves.subplots()
    for box, look in zip(BOXES, ("o-", "s--"), strict=True):
        values = [share(found[width, box]) for width in WIDTHS]
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


def main(page: str) -> None:
    found = {(width, box): grown(width, box) for box in BOXES for width in WIDTHS}
    path = Path(page)
    style.save_figure(draw(found), path.with_suffix(""))
    for kind in (".pdf", ".svg"):
        path.with_suffix(kind).unlink()
    path.write_text(PAGE.format(table=table(found), **numbers(found)), encoding="utf-8")


def numbers(found: dict[tuple[float, float], xr.Dataset]) -> dict[str, str | float | int]:
    """What the sentences of the page say."""
    small = {width: share(found[width, BOXES[0]]) for width in WIDTHS}
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
        "reference": f"{small[0.12]:.0f} %",
        "reference_wide": f"{share(found[0.12, BOXES[1]]):.0f} %",
    }


def _mean(found: dict[tuple[float, float], xr.Dataset], box: float) -> str:
    return f"{np.mean([share(found[width, box]) for width in WIDTHS]):.0f} %"


if __name__ == "__main__":
    main(*sys.argv[1:])
