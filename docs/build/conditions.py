"""Writes docs/conditions.md and its picture: what lattices need besides a target with a ring.

python docs/build/conditions.py docs/conditions.md
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import codes
import numpy as np
import torch
from matplotlib.figure import Figure
from nofreelunch.evaluation.rate_maps import BinnedActivity, activities, decoding_errors
from nofreelunch.figures import style
from nofreelunch.findings import verdicts
from nofreelunch.findings.claims import tables
from nofreelunch.scoring.significance import LEVEL
from nofreelunch.task.trajectories import ARENA, inside, random_walk
from nofreelunch.training.minibatches import Pool
from nofreelunch.training.training_stack import TrainingStack
from unit_spectra import REFERENCE

PAGE = """# What lattices need

The theory of Sorscher et al. (2019) gives lattices for many targets with a ring, without any
network ([patterns.md](patterns.md)). The networks of this project learn these targets, and a strict
test finds no lattices in them ([search.md](search.md)). This page asks what lies between. It
changes one thing at a time.

In short: the theory's patterns become lattices if place cells lie evenly and if the patterns grow
from almost nothing. Networks have random place cells and weights of usual size. And networks that
begin with lattices lose them while they learn.

Everything here is a difference of softmaxes with place cells {width:g} m wide in a box of
{arena:g} m, mapped in bins of {bin:g} cm and scored with {surrogates} surrogates of each kind. Of
maps without a lattice, about {level:.0f} % have p ≤ {small}.

![Patterns with even and with random place cells, their share of lattices against growth, and the
share in networks that begin with lattices](conditions.png)

*Left: the median pattern and its score (★ significant) for place cells on a square raster and for
random ones, in an arena with walls, after the fastest wave has grown by 10^{far}. Middle: share of
patterns with p ≤ {small} against this growth. Right: the same share of units in networks, while
they learn; colours: what they began with. Points: means; bars: 95 % intervals over {networks}
networks. Grey: {level:.0f} %.*

## Place cells that lie evenly

The theory averages the target's covariance over the arena, as if there were place cells of every
position. Here patterns grow from a number of place cells: at random positions, as in the talk, or
with their centres on a square raster. Each entry is the percentage of {maps} maps with p ≤ {small}
({draws} draws of {count}). Its column says by how much the fastest wave has grown since the start.

{placement}

- **Random positions prevent lattices.** With 512 random place cells and joined walls {random_far}
  of the patterns have p ≤ {small} after the longest growth, and {even_far} with 484 even ones.
  Random positions make some places in the arena better than others. In the end a pattern sits
  there, with few fields (left).
- **Many more cells help in part.** With 8,192 random ones it is {many_far}.
- **Walls do not prevent lattices.** With even place cells between walls it is {walls_far}.
- **Lattices need long growth.** With even place cells between walls {early} have p ≤ {small} after
  growth by 10^3, and {middle} after 10^14. The weights of a network of {units} units start between
  −0.09 and 0.09, so nothing in it grows by so much.

## Units that share a readout

Patterns do not see each other. Units do: they share one readout, and what some units explain the
others need not. Here {units} units learn {cells} even place cells by gradient descent, without a
network and without path integration, in an arena with joined walls. Each unit is free to have any
map without negative values, and the readout is the best one at each moment. Each entry is the
percentage of units with p ≤ {small}, and of significant units, over {code_draws} draws of the
start. Its row says how large activity was at the start. Its column says when it was measured: by
the share of the variance that so many units can explain.

{shared}

- **Units that start at 10^-{usual_start} form no lattices**, although their place cells lie evenly.
- **Units that start small enough form lattices first, and then lose some.** From
  10^-{small_start} {first} of the units have p ≤ {small} at a tenth of the variance, and {last} at
  nine tenths. The waves of the ring are learnt first. What is left to explain has other waves.

## Networks that begin with lattices

Networks of {units} units began with such a code at half of the variance. Its maps went into the
encoder and its readout into the decoder; the recurrent weights began as the identity, and those of
the velocity as zero. Then they were trained as in `laptop`, in an arena with joined walls and with
{cells} even place cells. {networks} began with lattices, with the code from 10^-{small_start}, and
{networks} without, with that from 10^-{usual_start}. Each entry is the mean position error, and the
percentage of units with p ≤ {small} with its 95 % interval over networks.

{trained}

{verdict}

## What follows

A ring in a target is not enough. In networks of this size place cells lie at random, weights start
large, and what makes the error small takes lattices away. Networks of thousands of units were not
trained here. Whether the talk's own have lattices that pass this test is open.

Made by `python docs/build/conditions.py docs/conditions.md`, in twenty minutes.
"""

WIDTH = 0.11  # m; where all patterns of an averaged covariance are lattices
DECADES = (3, 7, 14, 28, 57, 228)
COUNT, DRAWS = 24, 4
PLACEMENTS = {  # label: cells, whether even, whether walls are joined
    "joined walls, 484 even": (484, True, True),
    "joined walls, 512 random": (512, False, True),
    "joined walls, 2,048 random": (2048, False, True),
    "joined walls, 8,192 random": (8192, False, True),
    "walls, 484 even": (484, True, False),
    "walls, 512 random": (512, False, False),
}
UNITS, CELLS = 128, 256
STARTS = (2, 7, 28, 57)  # decades below one
SHARES = (0.1, 0.5, 0.9)
CODE_DRAWS = 2
SEEDS = (10, 11, 12, 13)
STEPS = (0, 100, 300, 1000, 4000)
KEYS = REFERENCE | {
    "place_cell_width": WIDTH,
    "place_cells": CELLS,
    "units": UNITS,
    "encoder_scale": float(CELLS),
    "learning_rate": 0.005,
    "steps": STEPS[-1],
    "periodic": True,
}


class Begun(TrainingStack):
    """Networks that begin with a code: its maps in the encoder, its readout in the decoder."""

    start = 1.0  # of the code

    def _draw(self, device):
        weights = super()._draw(device)
        codes.centres_on_squares(self.target)
        for k, spec in enumerate(self.specs):
            target = codes.place_cells(WIDTH, CELLS, True, spec["seed"])
            (code,) = codes.learnt(target, UNITS, self.start, SHARES[1:2], spec["seed"])
            scale = code.activity.std()
            cells = codes.activity(target) * CELLS
            encoder = np.linalg.lstsq(cells, code.activity / scale, rcond=1e-4)[0]
            begin = {
                "encoder": encoder,
                "input": np.zeros((2, UNITS)),
                "recurrent": np.eye(UNITS),
                "decoder": code.readout * scale * np.linalg.norm(cells, 2),
            }
            with torch.no_grad():
                for name, values in begin.items():
                    weights[name][k] = torch.from_numpy(values)
        return weights


class Learning(NamedTuple):
    """Position errors, m, and shares of units with p <= 0.05, both (step, network)."""

    error: np.ndarray
    share: np.ndarray


def placed(label: str, decades: Sequence[float] = DECADES) -> list[list[codes.Lattices]]:
    """Patterns of one placement of place cells: of each draw after each growth."""
    cells, even, periodic = PLACEMENTS[label]
    draws = []
    for k in range(DRAWS):
        target = codes.place_cells(WIDTH, cells, even, k, periodic)
        draws.append([codes.lattices(maps, k) for maps in codes.grown(target, decades, COUNT, k)])
    return draws


def shared(start: int) -> list[list[codes.Lattices]]:
    """Codes that share a readout, of each draw after each share is explained."""
    return [
        [
            codes.lattices(code.maps, k)
            for code in codes.learnt(
                codes.place_cells(WIDTH, CELLS, True, k), UNITS, 10.0**-start, SHARES, k
            )
        ]
        for k in range(CODE_DRAWS)
    ]


def train(start: int) -> Learning:
    """Train networks that begin with a code, and measure their units on the way."""
    specs = [KEYS | {"seed": seed} for seed in SEEDS]
    pool = random_walk(20_000, 20, seed=0, periodic=True)
    walks = random_walk(2_000, 20, seed=1, periodic=True)["position"]
    kind = type("Begun", (Begun,), {"start": 10.0**-start})
    stack = kind(range(len(specs)), specs, Pool(pool, specs, torch.device("cpu")), "float32")
    error, share = [], []
    for step in range(STEPS[-1] + 1):
        if step:
            stack.advance(step - 1)
        if step in STEPS:
            found = _measure(stack, walks)
            error.append(found[0])
            share.append(found[1])
    return Learning(np.array(error), np.array(share))


def _measure(stack: TrainingStack, walks) -> tuple[np.ndarray, list[float]]:
    maps, errors = BinnedActivity(len(stack.specs), UNITS, codes.BINS, ARENA), []
    with torch.no_grad():
        for _, path, activity in activities(stack.networks, stack.target, walks):
            maps.add(inside(path, ARENA), activity)
            errors.append(decoding_errors(stack.networks, stack.target, path, activity))
    error = torch.cat(errors, -1).mean((1, 2)).numpy()
    return error, [codes.lattices(of_network).share for of_network in maps.mean()]


@style.styled
def draw(found: Mapping[str, list], learning: Mapping[int, Learning]) -> Figure:
    figure = style.figure(height=66)
    left, middle, right = figure.subfigures(1, 3, width_ratios=[0.7, 1.2, 1.2])
    for axes, label in zip(
        left.subplots(2, 1), ("walls, 484 even", "walls, 512 random"), strict=True
    ):
        _typical(axes, label)
    axes = middle.subplots()
    looks = zip(found, ("o-", "s--", "^--", "v--", "o-", "s--"), strict=True)
    for label, look in looks:
        colour = style.INK if label.startswith("walls") else style.colour("difference_of_softmaxes")
        values = [_share(of_growth) for of_growth in zip(*found[label], strict=True)]
        axes.plot(range(len(DECADES)), values, look, color=colour, markersize=4, label=label)
    axes.set_xticks(range(len(DECADES)), [f"$10^{{{decade}}}$" for decade in DECADES])
    axes.set_xlabel("growth of the fastest wave")
    _percent(axes, f"patterns with p ≤ {LEVEL} (%)")
    middle.legend(loc="outside lower center", ncols=2, fontsize=6)
    axes = right.subplots()
    for start, one in learning.items():
        means = [verdicts.over_seeds(100 * of_step) for of_step in one.share]
        bars = [[e.value - e.low for e in means], [e.high - e.value for e in means]]
        words = "lattices" if start == STARTS[-1] else "none"
        axes.errorbar(range(len(STEPS)), [e.value for e in means], bars, marker="o", label=words)
    axes.set_xticks(range(len(STEPS)), [f"{step:,}" for step in STEPS])
    axes.set_xlabel("training steps")
    _percent(axes, f"units with p ≤ {LEVEL} (%)")
    right.legend(loc="outside lower center", ncols=2, title="networks that began with")
    return figure


def _percent(axes, label: str) -> None:
    axes.axhline(100 * LEVEL, color=style.CHANCE, linewidth=1, zorder=0)
    axes.set_ylim(-2, 102)
    axes.set_ylabel(label)


def _typical(axes, label: str) -> None:
    cells, even, periodic = PLACEMENTS[label]
    target = codes.place_cells(WIDTH, cells, even, 0, periodic)
    (maps,) = codes.grown(target, DECADES[-1:], COUNT, 0)
    found = codes.lattices(maps)
    middle = np.argsort(found.score, kind="stable")[COUNT // 2]
    style.draw_map(axes, maps[middle])
    score = style.score_text(float(found.score[middle]), bool(found.significant[middle]))
    axes.set_title(f"{label.removeprefix('walls, ')}\n{score}", fontsize=7)


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
    rows = []
    for start, draws in found.items():
        cells = []
        for of_share in zip(*draws, strict=True):
            significant = 100 * np.mean([one.significant.mean() for one in of_share])
            cells.append(f"{_share(of_share):.0f} / {significant:.0f}")
        rows.append([f"10^-{start}", *cells])
    return tables.table(heads, rows)


def trained_table(found: Mapping[int, Learning]) -> str:
    heads = ["began with", *(f"{step:,} steps" if step else "at the start" for step in STEPS)]
    rows = []
    for start, one in found.items():
        cells = []
        for error, share in zip(one.error, one.share, strict=True):
            mean = verdicts.over_seeds(100 * share)
            size = f"{mean.value:.0f} [{max(mean.low, 0):.0f}, {mean.high:.0f}]"
            cells.append(f"{100 * error.mean():.1f} cm, {size}")
        rows.append(["lattices" if start == STARTS[-1] else "none", *cells])
    return tables.table(heads, rows)


def verdict(one: Learning) -> str:
    """What training does to lattices that are there."""
    first, last = (verdicts.over_seeds(100 * one.share[k]) for k in (0, -1))
    if last.low > 100 * LEVEL:
        said = "Networks keep lattices that they began with: more units pass than by chance."
    elif last.high < first.low:
        said = "Networks lose the lattices that they began with. At the end no more units pass "
        said += "than by chance."
    else:
        said = "Whether networks keep lattices cannot be told from so few."
    return said


def main(page: str) -> None:
    found = {label: placed(label) for label in PLACEMENTS}
    together = {start: shared(start) for start in STARTS}
    learning = {start: train(start) for start in (STARTS[-1], STARTS[0])}
    path = Path(page)
    style.save_figure(draw(found, learning), path.with_suffix(""))
    for kind in (".pdf", ".svg"):
        path.with_suffix(kind).unlink()
    text = PAGE.format(
        placement=placement_table(found),
        shared=shared_table(together),
        trained=trained_table(learning),
        verdict=verdict(learning[STARTS[-1]]),
        **numbers(found, together),
    )
    path.write_text(text, encoding="utf-8")


def numbers(found: Mapping[str, list], together: Mapping[int, list]) -> dict[str, str | float]:
    """What the sentences of the page say."""

    def after(label: str, growth: int) -> str:
        return f"{_share([of_draw[growth] for of_draw in found[label]]):.0f} %"

    small = together[STARTS[-1]]
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
        "random_far": after("joined walls, 512 random", -1),
        "even_far": after("joined walls, 484 even", -1),
        "many_far": after("joined walls, 8,192 random", -1),
        "walls_far": after("walls, 484 even", -1),
        "early": after("walls, 484 even", 0),
        "middle": after("walls, 484 even", 2),
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
