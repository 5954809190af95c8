"""Writes docs/corrections.md and its pictures: traps of the talks, each shown by a computation.

python docs/build/corrections.py docs/corrections.md
"""

import functools
import re
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml
from matplotlib.figure import Figure
from nofreelunch.figures import style, tuning
from nofreelunch.findings import talks
from nofreelunch.findings.corrections import encodings, map_scores, records, replication
from nofreelunch.findings.corrections.records import Correction, Number
from nofreelunch.seeds import CORRECTIONS
from nofreelunch.study.packing import pack_networks
from nofreelunch.study.schema import read_yaml
from nofreelunch.study.sweeps import FOLDER, load_study
from nofreelunch.task.trajectories import ARENA, random_walk
from nofreelunch.training.loop import train

PAGE = """# Corrections

Twelve places where the two talks on [“No Free Lunch from Deep Learning in
Neuroscience”](../CITATION.cff), or the program behind them, do not do what the words say. Each is
shown by a small computation that needs no trained study. The results without these artefacts are in
the report of a study.

Intervals are 95 % intervals over what was drawn at random, which the last column names. “Exact”
numbers follow from the definitions.

{corrections}
This page and its pictures are made by `python docs/build/corrections.py docs/corrections.md`, in
less than a minute. The code is in `findings/corrections/`.
"""

TIE = "\N{NO-BREAK SPACE}"
UGRNN = {
    "cell": "ugrnn",
    "units": 32,
    "place_cells": 64,
    "batch_size": 20,
    "steps": 100,
    "weight_decay": 0.0,
}
UGRNN_SEEDS = [0, 1, 2]
PICTURES = {
    "period_unit": "The lattice of slide 9 in the box of 2.2 m: in bins, and as it would be in cm.",
    "inverted_ring": "One cell of two targets by distance from its centre, over its mean activity.",
}


def corrections() -> dict[str, Correction]:
    """All corrections, by the name of what computes each, in the order of the page."""
    dog = read_yaml(FOLDER / "paper.yaml")["sweeps"]["neurips_dog"]
    made = (
        encodings.surround_conventions,
        map_scores.period_unit,
        replication.copies_as_networks,
        encodings.inverted_ring,
        functools.partial(
            encodings.decoding_floor, dog["place_cell_width"], dog["surround"]["width_ratio"]
        ),
        encodings.differences_in_the_exponent,
        functools.partial(
            replication.decayed_tensor,
            trained(),
            training=f" of {UGRNN['units']} units, {UGRNN['steps']} steps",
        ),
        map_scores.score_definitions,
        map_scores.largest_of_many,
        map_scores.empty_bins,
        replication.three_seeds,
        encodings.opposite_points,
    )
    return {getattr(make, "func", make).__name__: make() for make in made}


def trained() -> list[dict[str, np.ndarray]]:
    """Weights of small UGRNNs that were trained without weight decay."""
    study = {"defaults": UGRNN, "sweeps": {"ugrnn": {"seed": UGRNN_SEEDS}}}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corrections.yaml"
        path.write_text(yaml.safe_dump(study), encoding="utf-8")
        [cohort] = pack_networks(load_study(path).networks, mix_seeds=True)
    walks = random_walk(count=2000, steps=20, seed=CORRECTIONS)
    done = train(cohort, walks, device="cpu")
    return [
        {name: done[f"weight_{name}"].values[index] for name in ("bias", "recurrent")}
        for index in range(len(cohort))
    ]


def page(made: dict[str, Correction]) -> str:
    """The whole page, as Markdown."""
    sections = (section(number, *item) for number, item in enumerate(made.items(), 1))
    return PAGE.format(corrections="\n".join(sections))


def section(number: int, name: str, correction: Correction) -> str:
    """One correction, as Markdown."""
    picture = ""
    if name in PICTURES:
        picture = f"\n![{PICTURES[name]}](corrections_{name}.png)\n\n*{PICTURES[name]}*\n"
    return (
        f"## {number}. {correction.title}\n\n"
        f"{wrapped(f'*The original.* {correction.said}')}\n\n"
        f"{wrapped(f'*What holds.* {correction.holds}')}\n\n"
        f"{wrapped(f'*Here.* {correction.here}')}\n{picture}\n{table(correction.numbers)}"
    )


def wrapped(text: str) -> str:
    """A paragraph in lines of the page's width; numbers stay beside their units."""
    tied = re.sub(r"(?<=\d) (?=%|×|cm\b)| / ", lambda found: found[0].replace(" ", TIE), text)
    lines = textwrap.fill(tied, 100, break_on_hyphens=False, break_long_words=False)
    return lines.replace(TIE, " ")


def table(numbers: Sequence[Number]) -> str:
    """Numbers as a Markdown table."""
    rows = [(one.label, one.text, one.interval, one.basis) for one in numbers]
    lines = [("what", "number", "95 % interval", "from"), ("---", "---:", "---:", "---"), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


@style.styled
def draw_period_unit() -> Figure:
    """Rate maps of a lattice with the period of the slide, in bins and in cm."""
    bins = talks.PERIOD_MODES[talks.WIDTHS.index(records.WIDTH)]
    side = (np.arange(220) + 0.5) / 220 * ARENA - ARENA / 2
    place = np.stack(np.meshgrid(side, side), axis=-1)
    figure = style.figure(height=52, width=90)
    for axes, period, unit in zip(
        figure.subplots(1, 2),
        (bins * talks.PUBLISHED_BIN, bins / 100),
        ("bins", "cm"),
        strict=True,
    ):
        style.draw_map(axes, map_scores.lattice_rates(place, period))
        axes.set_title(
            f"{bins:.1f} {unit} = {100 * period:.0f} cm" if unit == "bins" else f"{bins:.1f} cm"
        )
    return figure


@style.styled
def draw_inverted_ring() -> Figure:
    """Activity by distance from a cell's centre: equal amplitudes, and equal areas."""
    figure = style.figure(height=55, width=90)
    axes = figure.subplots()
    spec = {
        "place_cells": encodings.CELLS,
        "place_cell_width": records.WIDTH,
        "surround": {"width_ratio": encodings.RATIO},
        "seed": 0,
    }
    for name, label in (
        ("difference_of_gaussians", "equal amplitudes"),
        ("general_difference_of_gaussians", "equal areas"),
    ):
        distance, activity = tuning.radial_profile(spec | {"target": name})
        axes.plot(100 * distance, activity, color=style.colour(name), label=label)
    axes.axhline(1, color=style.CHANCE, linewidth=0.6, zorder=0)
    axes.set_xlabel("distance from the cell's centre (cm)")
    axes.set_ylabel("activity / mean")
    axes.legend()
    return figure


def picture(name: str, path: str | Path) -> Path:
    """Draw one of `PICTURES` as a PNG file; returns its path."""
    draw = {"period_unit": draw_period_unit, "inverted_ring": draw_inverted_ring}[name]
    pdf, png, svg = style.save_figure(draw(), Path(path).with_suffix(""))
    for unused in (pdf, svg):  # a page shows the PNG
        unused.unlink()
    return png


def main(path: str) -> None:
    """Write the page and, beside it, its pictures."""
    Path(path).write_text(page(corrections()), encoding="utf-8")
    for name in PICTURES:
        picture(name, Path(path).with_name(f"corrections_{name}.png"))


if __name__ == "__main__":
    main(*sys.argv[1:])
