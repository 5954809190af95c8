"""Writes docs/conditions.md and its picture: why networks lack the theory's lattices.

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
against surrogates finds no lattices in them ([search.md](search.md)), unless the place cells lie on
a raster ([grid_cells.md](grid_cells.md)). This page goes from the theory to networks in three
steps.

In short: the theory assumes place cells at every position, and its patterns grow without limit.
Without a network, random place cells prevent lattices, and so does a start that is not small
enough. Networks that begin with lattices lose them while they learn to path-integrate.

The target is a difference of softmaxes in a box of {arena:g} m. Place fields are {width:g} m wide,
because the theory's lattices of that width fit the box. Maps have bins of {bin:g} cm and are scored
with {surrogates} surrogates of each kind. A map *passes* if it has p ≤ {small}. About {level:.0f} %
of maps without a lattice pass (0.3 to 9.3 % for [single kinds of noise](validation.md)). Maps with
one field never do. A difference of a few per cent means nothing.

![Patterns of regularly spaced and of random place cells, their share of lattices against growth,
and the share in networks that begin with lattices](conditions.png)

*Left: the median pattern and its grid score, for regularly spaced and for random place cells, in an
arena with walls, after growth by 10^{far}. Middle: share of patterns that pass against growth.
Right: share of active units that pass, while networks learn. Points: means; bars: 95 % intervals
over {networks} networks. Grey: {level:.0f} %.*

## Regularly spaced place cells

The theory averages the target's covariance over the arena, as if there were place cells at every
position. Here patterns grow from a number of place cells. These lie at random, as in the talk, or
have their centres on a square raster. Each column says by how much the maps have grown since the
start. Each entry is the percentage of {maps} maps that pass ({draws} draws of {count}).

{placement}

- **Random positions prevent lattices.** With joined walls and the longest growth, {random_far} of
  the patterns of 512 random place cells pass, and {regular_far} of those of 484 regular ones.
  Random place cells have more power at some positions than at others. That is not all: if power is
  made equal everywhere, {equal_far} pass.
- **Many more cells help in part.** Of the patterns of 8,192 random place cells {many_far} pass.
- **Walls do not prevent lattices.** With regular place cells between walls {walls_far} pass. At
  other widths of place fields {others} pass.
- **Lattices need long growth.** With regular place cells between walls {early} pass after growth by
  10^3, and {middle} after 10^14.

A large share does not mean many different lattices. With regular place cells and joined walls,
{alike} of the {count} patterns of a draw are the same lattice, moved, turned or mirrored.

## Units that share a readout

Patterns grow independently, and nothing limits them. Units share one readout: what one unit
explains, no other has to. Here {units} units learn {cells} regular place cells by gradient descent,
without a network and without path integration, in an arena with joined walls. Each unit may have
any map without negative values. The readout is the best one at each moment. Each row says how large
activity was at the start. Each column says how much of the target the units explain, relative to as
many principal components. Each entry is the percentage of units that pass ({code_draws} draws).

{shared}

- **Units that start at 10^-{usual_start} form no lattices**, though their place cells are regular.
- **Units that start small enough form lattices first, and then lose some.** From 10^-{small_start},
  {first} of the units pass when a tenth is explained, and {last} when nine tenths are. Presumably
  the waves of the ring are learnt first, and what is left to explain has other waves.

## Networks that begin with lattices

Networks of {units} units began with such a code when it explained one half. Its maps went into the
encoder and its readout into the decoder. The recurrent weights began as the identity, and those of
the velocity as zero. Then the networks were trained as in `laptop`, but in an arena with joined
walls and with {cells} regular place cells. The code came from 10^-{small_start}, which has
lattices, or from 10^-{usual_start}, which has none. There are {networks} networks of each kind.
Each entry has three parts: the mean position error; the percentage of units that pass, with its
95 % interval over networks; and the mean correlation of a unit's map with its map at the start.

{trained}

{verdict}

Two things limit this. Networks without lattices change their maps as much, so training does not
single lattices out. And most lattices go while the error is still as large as at the start. With a
tenth of the learning rate {slow_share} of the units pass at the end, but these networks have not
learnt: their error is {slow_error} cm. So this does not show that a network with lattices could not
path-integrate.

## What follows

A ring in a target is not enough. Without a network, random place cells and a start that is not
small enough each prevent lattices. In the networks of this page, regular place cells alone did not
bring lattices, and lattices that were there did not last where networks learnt. Larger networks
with narrower place fields are different: with place cells on a raster, some of their units are
significant ([grid_cells.md](grid_cells.md)). Two things were not tried: networks whose weights
start small, and networks of thousands of units. Whether those of the talk have lattices that pass
this test is open.

Made by `python docs/build/conditions.py docs/conditions.md`, in a quarter of an hour on two cores.
"""

DECADES = (3, 7, 14, 28, 57, 114)
COUNT, DRAWS = 24, 4


class Placement(NamedTuple):
    """Where place cells are: how many, how, and in which arena."""

    cells: int
    regular: bool = False
    periodic: bool = True
    width: float = WIDTH
    equal: bool = False  # power everywhere


PLACEMENTS = {
    "joined walls, 484 regular": Placement(484, regular=True),
    "joined walls, 512 random": Placement(512),
    "joined walls, 512 random, equal power": Placement(512, equal=True),
    "joined walls, 2,048 random": Placement(2048),
    "joined walls, 8,192 random": Placement(8192),
    "walls, 484 regular": Placement(484, regular=True, periodic=False),
    "walls, 512 random": Placement(512, periodic=False),
}
OTHERS = {
    f"walls, 484 regular, σ {width:.2f} m": Placement(484, True, False, width)
    for width in (0.08, 0.10, 0.13, 0.16)
}
DRAWN = [label for label in PLACEMENTS if "equal" not in label]


def placed(label: str, decades: Sequence[float] = DECADES) -> list[list[codes.Lattices]]:
    """Patterns of one placement of place cells: of each draw after each growth."""
    cells, regular, periodic, width, equal = (PLACEMENTS | OTHERS)[label]
    draws = []
    for k in range(DRAWS):
        target = codes.place_cells(width, cells, regular, k, periodic)
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
    cells, regular, periodic, width, _ = PLACEMENTS[label]
    target = codes.place_cells(width, cells, regular, 0, periodic)
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

    (last,) = codes.grown(codes.place_cells(WIDTH, 484, True, 0), DECADES[-1:], COUNT, 0)
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
        "regular_far": after("joined walls, 484 regular"),
        "equal_far": after("joined walls, 512 random, equal power"),
        "many_far": after("joined walls, 8,192 random"),
        "alike": int(codes.alike(last).sum()),
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
