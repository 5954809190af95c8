"""Writes docs/periods.md and its pictures: why grid cells have longer periods than theory predicts.

python docs/build/periods.py docs/periods.md
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import unit_spectra
from matplotlib.figure import Figure
from nofreelunch.figures import style
from nofreelunch.findings.corrections.map_scores import lattice_rates
from nofreelunch.findings.talks import PERIODS, WIDTHS
from nofreelunch.scoring.grid_scores import grid_scores
from nofreelunch.scoring.lattices import measure_lattices
from nofreelunch.scoring.published_periods import nearest_six
from nofreelunch.task.targets import build_target
from nofreelunch.task.trajectories import ARENA
from nofreelunch.theory.pattern_formation import form_patterns
from nofreelunch.theory.spectra import predicted_period, spectrum
from scipy import fft

PAGE = """# Why periods are longer than predicted

The most frequent periods on slide 9 of the workshop talk are {talk} times those that the formula of
[theory.md](theory.md) gives, on average over its 13 place-cell widths: {first} at 0.08 m and
{last} at 0.20 m. This page changes one thing at a time to see where that comes from.

In short: the wavelength at which a network's units have most power grows while the network learns,
also without walls, rectification or cross-entropy. Why it grows is open.

## Without networks

Every number is a measured period over the predicted one, the median over maps. In brackets: how
many of {maps} maps have a period; of the noise, how many of {noise} maps have a grid score above
0.8.

![Measured over predicted period against the width of place fields, by condition](periods.png)

*Measured over predicted period. Black: slide 9 of the workshop talk. Colours: the conditions of
the table. A condition with fewer than {few} maps at a width is not drawn there.*

{table}

- **It is not the estimator.** Perfect lattices of the predicted period are measured right. The
  talk's estimator is the mean distance of the six peaks nearest the centre. It makes periods of
  perfect lattices too short, so it hides a part of the excess.
- **Rectification makes them {rectified} longer.** Patterns that grow from the target's covariance
  alone are hexagonal where activity is rectified. In a wide box their periods exceed the formula's
  by about the same share at every width that has some. The formula gives the wave that grows
  fastest while activity is close to zero. A rectified lattice also has overtones.
- **The box moves single widths.** In a box of {box:g} m with joined walls only some waves fit,
  and the ratio jumps from width to width. In a box twice as wide it does not.
- **It is not selection by score.** Some maps of random phases with the target's own power have a
  grid score above 0.8. The talk's estimator reads periods in them that are too short, and by no
  means too long.
- **None of this explains all of the talk's {excess}**, or why it is most at narrow fields.

## While networks learn

The maps of place cells have most power at one wavelength, in all directions: on a *ring* of the
spectrum. So have the maps of a network's units. Four networks of each condition learn differences
of softmaxes (σ 0.12 m). They have {units} units and the settings of the study `laptop`, but
learning rate {rate:g}, {steps} training steps and 20,000 walks. A number is the wavelength of the
units' ring over that of their place cells' ring, read in the same way, with the range over
networks. *Longest waves*: the share of the power below {longest:g} cycles per box, from the first
column to the last.

![Spectra of units in training, and the wavelength of their ring](periods_in_training.png)

*Left: mean power of the units' maps, as in the study laptop, darker with training; dashed: that of
the place cells. Right: wavelength of the units' ring over that of the place cells'. Dots are
networks.*

{training}

- **The ring moves to longer waves in training.** All units count here, and no lattice is measured.
  The talk's {excess} are of units with high scores, so that the sizes cannot be compared.
- **Walls are not needed.** The ring moves in a periodic arena, too. How far says little there: only
  some waves fit a box with joined walls.
- **Rectification is not needed.** The ring moves in networks of linear units, too, although these
  have learnt less in so many steps.
- **Cross-entropy is not needed.** The ring moves with squared error, too, whose position error is
  {squared}.
- **Why long waves gain is open.** Theory is linear in small weights. It describes patterns that
  begin to grow, and says nothing of networks that have learnt. The first columns do not test the
  theory either. An untrained network passes on the code of the start, and this code already has
  the ring.

The figures `result_4` and `predictions` of a study have the periods of its significant units.

Made by `python docs/build/periods.py docs/periods.md`, in some minutes.
"""
FEW = 10  # maps below which a median is not drawn
SHOWN = (0.08, 0.10, 0.12, 0.15, 0.20)  # m
MAPS = 48
NOISE = 1500
BIN = 0.1  # m


class Found(NamedTuple):
    """Median of the periods over the predicted one, and the number of maps that have one."""

    ratio: float
    count: int


def target(width: float, arena: float = ARENA):
    """Differences of softmaxes of one width, with as many place cells per area in any arena."""
    cells = round(512 * (arena / ARENA) ** 2)
    keys = {"target": "difference_of_softmaxes", "place_cell_width": width, "place_cells": cells}
    return build_target(keys, 0, arena)


def lattices(period: float, count: int = MAPS) -> np.ndarray:
    """Rectified lattices (map, y, x) of a period, m, at random places and orientations."""
    random = np.random.default_rng(0)
    side = np.arange(BIN / 2, ARENA, BIN)
    place = np.stack(np.meshgrid(side, side), -1)
    turns, peaks = random.uniform(0, np.pi / 3, count), random.uniform(0, ARENA, (count, 2))
    drawn = zip(turns, peaks, strict=True)
    return np.stack([lattice_rates(place, period, turn, peak) for turn, peak in drawn])


def patterns(width: float, arena: float) -> np.ndarray:
    """Periods, m, of rectified patterns in an arena with joined walls."""
    resolution = round(54 * arena / ARENA) + 1
    maps = form_patterns(spectrum(target(width, arena), resolution), "relu", count=MAPS)
    return measure_lattices(maps.values, maps.attrs["bin_size"])["period"].values


def selected_noise(width: float) -> np.ndarray:
    """Periods, m, by nearest six, of random-phase maps whose grid score is above 0.8."""
    found = spectrum(target(width))
    power = np.fft.ifftshift(found["power"].values)
    side, random = len(power), np.random.default_rng(0)
    white = fft.rfft2(random.standard_normal((NOISE, side, side)))
    waves = np.sqrt(power[:, : side // 2 + 1]) * white
    maps = np.maximum(fft.irfft2(waves, s=(side, side)), 0)[:, ::2, ::2]
    scores = grid_scores(maps)["score_60"].sel(definition="min_max").values
    bin_size = 2 * float(found["dx"][1] - found["dx"][0])
    return (nearest_six(maps[scores > 0.8])["period"] * bin_size).values


WIDE = "the same, box of 4.4 m"
CONDITIONS: dict[str, Callable[[float, float], np.ndarray]] = {
    "perfect lattices, fitted": lambda width, period: (
        measure_lattices(lattices(period), BIN)["period"].values
    ),
    "perfect lattices, nearest six peaks": lambda width, period: (
        BIN * nearest_six(lattices(period))["period"].values
    ),
    "rectified patterns": lambda width, period: patterns(width, ARENA),
    WIDE: lambda width, period: patterns(width, 2 * ARENA),
    "noise with a score > 0.8, nearest six": lambda width, period: selected_noise(width),
}


def measured(name: str, width: float) -> Found:
    """The result of one condition at one width."""
    predicted = predicted_period(target(width))
    period = np.asarray(CONDITIONS[name](width, predicted), float)
    period = period[np.isfinite(period)]
    return Found(float(np.median(period) / predicted) if period.size else np.nan, period.size)


def cell(found: Found) -> str:
    """A result as text."""
    return f"{found.ratio:.2f} ({found.count})" if found.count else "none"


@style.styled
def draw(found: Mapping[str, Sequence[Found]], talk: np.ndarray) -> Figure:
    """Ratios of every condition against the width, with those of the talk."""
    figure = style.figure(height=75)
    axes = figure.subplots()
    axes.axhline(1, color=style.CHANCE, linewidth=0.8)
    for name, of_name in found.items():
        ratios = [one.ratio if one.count >= FEW else np.nan for one in of_name]
        axes.plot(SHOWN, ratios, marker="o", markersize=3, label=name)
    axes.plot(WIDTHS, talk, color=style.INK, marker="s", markersize=3, label="the workshop talk")
    axes.set_xlabel("width of place fields (m)")
    axes.set_ylabel("measured / predicted period")
    figure.legend(loc="outside right center")
    return figure


def page(
    found: Mapping[str, Sequence[Found]],
    talk: np.ndarray,
    trained: Mapping[str, unit_spectra.Trained],
) -> str:
    """The page, from the results of each condition and the ratios of the talk."""
    heads = ["", *(f"σ {width:.2f} m" for width in SHOWN)]
    rows = [heads, ["---"] * len(heads)]
    rows += [[name, *map(cell, of_name)] for name, of_name in found.items()]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    numbers = {"talk": talk.mean(), "first": talk[0], "last": talk[-1]}
    words = {name: f"{value:.2f}" for name, value in numbers.items()}
    rectified = np.nanmean([one.ratio for one in found[WIDE]])
    for name, ratio in (("excess", talk.mean()), ("rectified", rectified)):
        words[name] = f"{100 * (ratio - 1):.0f} %"
    keys = unit_spectra.REFERENCE
    return PAGE.format(
        **words,
        maps=MAPS,
        noise=f"{NOISE:,}",
        table=table,
        box=ARENA,
        few=FEW,
        units=keys["units"],
        rate=keys["learning_rate"],
        steps=f"{keys['steps']:,}",
        longest=unit_spectra.LONGEST,
        training=unit_spectra.table(trained),
        squared=f"{100 * trained['squared error'].error[-1].mean():.0f} cm",
    )


if __name__ == "__main__":
    results = {name: [measured(name, width) for width in SHOWN] for name in CONDITIONS}
    of_talk = np.array(PERIODS) / [predicted_period(target(width)) for width in WIDTHS]
    networks = {name: unit_spectra.train(name) for name in unit_spectra.CONDITIONS}
    output = Path(sys.argv[1])
    output.write_text(page(results, of_talk, networks), encoding="utf-8")
    draw(results, of_talk).savefig(output.with_suffix(".png"), dpi=200)
    picture = output.with_name(f"{output.stem}_in_training.png")
    unit_spectra.draw(networks).savefig(picture, dpi=200)
