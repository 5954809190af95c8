"""Writes docs/conditions.md and its picture: what lattices need besides a target with a ring.

python docs/build/conditions.py docs/conditions.md
"""

import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import codes
import numpy as np
from begun_networks import (
    ARMS,
    CELLS,
    CODE_DRAWS,
    SEEDS,
    SHARES,
    STARTS,
    STEPS,
    UNITS,
    WIDTH,
    Learning,
    train,
)
from matplotlib.figure import Figure
from nofreelunch.figures import style
from nofreelunch.findings import verdicts
from nofreelunch.findings.claims import tables
from nofreelunch.scoring.significance import LEVEL
from nofreelunch.task.trajectories import ARENA

PAGE = """# Why networks lack the theory's lattices

The theory of Sorscher et al. (2019) gives lattices for many targets with a ring, without any
network ([patterns.md](patterns.md)). The networks of this project learn these targets, and a test
against surrogates finds no lattices in them ([search.md](search.md)). This page goes from the
theory to networks in three steps.

In short: the theory takes place cells to be the same everywhere, and its patterns grow without
limit. With random place cells, or with a start of usual size, no lattices form, even without a
network. And networks that begin with lattices lose them while they learn to path-integrate.

Everything here is a difference of softmaxes in a box of {arena:g} m, mapped in bins of {bin:g} cm
and scored with {surrogates} surrogates of each kind. Place cells are {width:g} m wide, because the
theory's lattices of that width fit the box. About {level:.0f} % of maps without a lattice have
p ≤ {small} ([0.3 to 9.3 %](validation.md) for single kinds of noise), and maps with one field never
have. A few per cent more or less mean nothing.

![Patterns of regularly spaced and of random place cells, their share of lattices against growth,
and the share in networks that begin with lattices](conditions.png)

*Left: the median pattern and its grid score, for regularly spaced and for random place cells, in an
arena with walls, after growth by 10^{far}. Middle: share of patterns with p ≤ {small} against
growth. Right: the same share of active units in networks, while they learn. Points: means; bars:
95 % intervals over {networks} networks. Grey: {level:.0f} %.*

## Regularly spaced place cells

The theory averages the target's covariance over the arena, as if there were place cells of every
position. Here patterns grow from a number of place cells: at random positions, as in the talk, or
with their centres on a square raster. Each entry is the percentage of {maps} maps with p ≤ {small}
({draws} draws of {count}). Its column says by how much the maps have grown since the start.

{placement}

- **Random positions prevent lattices.** With 512 random place cells and joined walls {random_far}
  of the patterns have p ≤ {small} after the longest growth, and {even_far} with 484 regularly
  spaced ones. At random positions, the waves of the ring no longer grow equally fast. Some
  places also have more power; with equal power everywhere it is {equal_far}.
- **Many more cells help in part.** With 8,192 random ones it is {many_far}.
- **Walls do not prevent lattices.** With regularly spaced place cells between walls it is
  {walls_far}. At other widths it is {others}.
- **Lattices need long growth.** With regularly spaced place cells between walls {early} have
  p ≤ {small} after growth by 10^3, and {middle} after 10^14.

Nearly all patterns of regularly spaced place cells become the same few lattices, moved or turned.
So a large share says that these pass the test, and not that there are many different ones.

## Units that share a readout

Patterns grow independently, and nothing limits them. Units share one readout, so what one explains
the others need not. Here {units} units learn {cells} regularly spaced place cells by gradient
descent, without a network and without path integration, in an arena with joined walls. Each unit
may have any map without negative values, and the readout is the best one at each moment. Each entry
is the percentage of units with p ≤ {small}, over {code_draws} draws of the start. Its row says how
large activity was at the start. Its column says how much the units explain, over what as many
principal components explain.

{shared}

- **Units that start at 10^-{usual_start} form no lattices**, although their place cells are
  regularly spaced.
- **Units that start small enough form lattices first, and then lose some.** From
  10^-{small_start} {first} of the units have p ≤ {small} at a tenth, and {last} at nine tenths.
  Presumably the waves of the ring are learnt first, and what is left to explain has other waves.

## Networks that begin with lattices

Networks of {units} units began with such a code at one half. Its maps went into the encoder and its
readout into the decoder; the recurrent weights began as the identity, and those of the velocity as
zero. Then they were trained as in `laptop`, in an arena with joined walls and with {cells}
regularly spaced place cells. The code came from 10^-{small_start}, which has lattices, or from
10^-{usual_start}, which has none. Each kind has {networks} networks. Each entry is the mean
position error; the percentage of units with p ≤ {small} with its 95 % interval over networks; and
the mean correlation of a unit's map with its map at the start.

{trained}

{verdict}

Networks without lattices change their maps as much. So training does not single lattices out: it
changes all maps that these networks begin with. Most lattices go while the error is still as large
as at the start. With a tenth of the learning rate {slow_share} of the units still have p ≤ {small}
at the end, but these networks have not learnt: their error is {slow_error} cm. So this does not
show that a network with lattices could not path-integrate.

## What follows

A ring in a target is not enough. Without a network, random place cells and a start of usual size
each prevent lattices. In networks, regularly spaced place cells alone did not bring them, and
lattices that were there did not last in networks that learnt. Small weights at the start were not
tried in networks, nor were networks of thousands of units. Whether the talk's own have lattices
that pass this test is open.

Made by `python docs/build/conditions.py docs/conditions.md`, in a quarter of an hour on two cores.
"""

DECADES = (3, 7, 14, 28, 57, 114)
COUNT, DRAWS = 24, 4


class Placement(NamedTuple):
    """Where place cells are: how many, how, and in which arena."""

    cells: int
    even: bool = False
    periodic: bool = True
    width: float = WIDTH
    equal: bool = False  # power everywhere


PLACEMENTS = {
    "joined walls, 484 regular": Placement(484, even=True),
    "joined walls, 512 random": Placement(512),
    "joined walls, 512 random, equal power": Placement(512, equal=True),
    "joined walls, 2,048 random": Placement(2048),
    "joined walls, 8,192 random": Placement(8192),
    "walls, 484 regular": Placement(484, even=True, periodic=False),
    "walls, 512 random": Placement(512, periodic=False),
}
OTHERS = {
    f"walls, 484 regular, σ {width:.2f} m": Placement(484, True, False, width)
    for width in (0.08, 0.10, 0.13, 0.16)
}
DRAWN = [label for label in PLACEMENTS if "equal" not in label]


def placed(label: str, decades: Sequence[float] = DECADES) -> list[list[codes.Lattices]]:
    """Patterns of one placement of place cells: of each draw after each growth."""
    cells, even, periodic, width, equal = (PLACEMENTS | OTHERS)[label]
    draws = []
    for k in range(DRAWS):
        target = codes.place_cells(width, cells, even, k, periodic)
        grown = codes.grown(target, decades, COUNT, k, equal)
        draws.append([codes.lattices(maps, k) for maps in grown])
    return draws


def shared(start: int) -> list[list[codes.Lattices]]:
    """Codes that share a readout, of each draw after each share is explained."""
    draws = []
    for k in range(CODE_DRAWS):
        target = codes.place_cells(WIDTH, CELLS, True, k)
        learnt = codes.learnt(target, UNITS, 10.0**-start, SHARES, k)
        draws.append([codes.lattices(code.maps, k) for code in learnt])
    return draws


@style.styled
def draw(found: Mapping[str, list], learning: Mapping[str, Learning]) -> Figure:
    figure = style.figure(height=70)
    left, middle, right = figure.subfigures(1, 3, width_ratios=[0.7, 1.2, 1.2])
    examples = "walls, 484 regular", "walls, 512 random"
    for axes, label in zip(left.subplots(2, 1), examples, strict=True):
        _typical(axes, label)
    axes = middle.subplots()
    for label, look in zip(DRAWN, ("o-", "s--", "^--", "v--", "o-", "s--"), strict=True):
        colour = style.INK if label.startswith("walls") else style.colour("difference_of_softmaxes")
        values = [_share(of_growth) for of_growth in zip(*found[label], strict=True)]
        axes.plot(range(len(DECADES)), values, look, color=colour, markersize=4, label=label)
    axes.set_xticks(range(len(DECADES)), [f"$10^{{{decade}}}$" for decade in DECADES])
    axes.set_xlabel("growth")
    _percent(axes, f"patterns with p ≤ {LEVEL} (%)")
    middle.legend(loc="outside lower center", ncols=2)
    axes = right.subplots()
    for k, (label, one) in enumerate(learning.items()):
        means = [verdicts.over_seeds(100 * of_step) for of_step in one.share]
        bars = [[e.value - e.low for e in means], [e.high - e.value for e in means]]
        values, look = [e.value for e in means], ("o-", "s-", "o--")[k]
        axes.errorbar(range(len(STEPS)), values, bars, fmt=look, markersize=4, label=label)
    axes.set_xticks(range(len(STEPS)), [f"{step:,}" for step in STEPS])
    axes.set_xlabel("training steps")
    _percent(axes, f"units with p ≤ {LEVEL} (%)")
    right.legend(loc="outside lower center", title="networks that began with")
    return figure


def _percent(axes, label: str) -> None:
    axes.axhline(100 * LEVEL, color=style.CHANCE, linewidth=1, zorder=0)
    axes.set_ylim(-2, 102)
    axes.set_ylabel(label)


def _typical(axes, label: str) -> None:
    cells, even, periodic, width, _ = PLACEMENTS[label]
    target = codes.place_cells(width, cells, even, 0, periodic)
    (maps,) = codes.grown(target, DECADES[-1:], COUNT, 0)
    score = codes.lattices(maps).score
    middle = np.argsort(score, kind="stable")[COUNT // 2]
    style.draw_map(axes, maps[middle])
    words = label.removeprefix("walls, ")
    axes.set_title(f"{words}\n{style.score_text(float(score[middle]))}", fontsize=7)


def _share(found) -> float:
    return 100 * float(np.mean([one.share for one in found]))


def placement_table(found: Mapping[str, list]) -> str:
    heads = ["place cells", *(f"10^{decade}" for decade in DECADES)]
    return tables.table(heads, [[label, *shares(draws)] for label, draws in found.items()])


def shares(draws: list[list[codes.Lattices]]) -> list[str]:
    """Percentages of maps with p <= 0.05 after each growth."""
    return [f"{_share(of_growth):.0f}" for of_growth in zip(*draws, strict=True)]


def shared_table(found: Mapping[int, list]) -> str:
    heads = ["start", *(f"{100 * share:.0f} % explained" for share in SHARES)]
    return tables.table(heads, [[f"10^-{start}", *shares(draws)] for start, draws in found.items()])


def trained_table(found: Mapping[str, Learning]) -> str:
    heads = ["began with", *(f"{step:,} steps" if step else "at the start" for step in STEPS)]
    rows = []
    for label, one in found.items():
        cells = []
        for error, share, kept in zip(*one, strict=True):
            mean = verdicts.over_seeds(100 * share)
            size = f"{mean.value:.0f} [{max(mean.low, 0):.0f}, {mean.high:.0f}]"
            cells.append(f"{100 * error.mean():.1f} cm; {size}; {kept.mean():.2f}")
        rows.append([label, *cells])
    return tables.table(heads, rows)


def verdict(share: np.ndarray) -> str:
    """What training does to lattices that are there, from shares (step, network) of units."""
    first, last = (verdicts.over_seeds(100 * share[k]) for k in (0, -1))
    if last.high >= first.low:
        return "Whether networks keep lattices cannot be told from so few."
    said = "Networks lose lattices that they began with."
    if last.high <= 100 * LEVEL:
        said += " At the end no more units pass than by chance."
    return said


def main(page: str) -> None:
    with ProcessPoolExecutor(2) as pool:  # the longest tasks first
        learning = pool.map(train, ARMS.values())
        together = pool.map(shared, STARTS[::-1])
        labels = [*PLACEMENTS, *OTHERS]
        found = dict(zip(labels, pool.map(placed, labels), strict=True))
        together = dict(sorted(zip(STARTS[::-1], together, strict=True)))
        learning = dict(zip(ARMS, learning, strict=True))
    path = Path(page)
    style.save_figure(draw(found, learning), path.with_suffix(""))
    for kind in (".pdf", ".svg"):
        path.with_suffix(kind).unlink()
    text = PAGE.format(
        placement=placement_table({label: found[label] for label in PLACEMENTS}),
        shared=shared_table(together),
        trained=trained_table(learning),
        verdict=verdict(learning["lattices"].share),
        **numbers(found, together[STARTS[-1]], learning["lattices, a tenth of the learning rate"]),
    )
    path.write_text(text, encoding="utf-8")


def numbers(found: Mapping[str, list], small: list, slow: Learning) -> dict[str, str | float]:
    """What the sentences of the page say; `small` is of the codes from the smallest start."""

    def after(label: str, growth: int = -1) -> str:
        return f"{_share([of_draw[growth] for of_draw in found[label]]):.0f} %"

    others = [f"{after(label)} at {OTHERS[label].width:.2f} m" for label in OTHERS]
    return {
        "width": WIDTH,
        "arena": ARENA,
        "bin": 100 * ARENA / codes.BINS,
        "surrogates": codes.SURROGATES,
        "level": 100 * LEVEL,
        "small": LEVEL,
        "far": DECADES[-1],
        "networks": len(SEEDS),
        "maps": COUNT * DRAWS,
        "draws": DRAWS,
        "count": COUNT,
        "random_far": after("joined walls, 512 random"),
        "even_far": after("joined walls, 484 regular"),
        "equal_far": after("joined walls, 512 random, equal power"),
        "many_far": after("joined walls, 8,192 random"),
        "walls_far": after("walls, 484 regular"),
        "others": f"{', '.join(others[:-1])} and {others[-1]}",
        "early": after("walls, 484 regular", 0),
        "middle": after("walls, 484 regular", 2),
        "slow_share": f"{100 * slow.share[-1].mean():.0f} %",
        "slow_error": f"{100 * slow.error[-1].mean():.1f}",
        "units": UNITS,
        "cells": CELLS,
        "code_draws": CODE_DRAWS,
        "first": f"{_share([draws[0] for draws in small]):.0f} %",
        "last": f"{_share([draws[-1] for draws in small]):.0f} %",
        "small_start": STARTS[-1],
        "usual_start": STARTS[0],
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
