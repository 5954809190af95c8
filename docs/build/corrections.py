"""Writes docs/corrections.md and its pictures, and the records of both that a study shows.

python docs/build/corrections.py docs/corrections.md
"""

import functools
import sys
import tempfile
from pathlib import Path

import correction_pictures
import numpy as np
import yaml
from nofreelunch.findings.corrections import encodings, map_scores, replication, sheet
from nofreelunch.findings.corrections.records import Correction
from nofreelunch.seeds import CORRECTIONS
from nofreelunch.study.packing import pack_networks
from nofreelunch.study.schema import read_yaml
from nofreelunch.study.sweeps import FOLDER, load_study
from nofreelunch.task.trajectories import random_walk
from nofreelunch.training.loop import train

PAGE = """# Corrections

Twelve corrections of the two talks on [“No Free Lunch from Deep Learning in
Neuroscience”](../CITATION.cff). In each, a number or a word means something else than it says,
because of the talk or of the program behind it. Each is shown by a small computation that needs no
trained study. The results without these errors are in the report of a study.

{intervals}

{corrections}
This page and its pictures are made by `python docs/build/corrections.py docs/corrections.md`, in
less than a minute; a study's report shows the same. The code is in `findings/corrections/`.
"""

SHEET = Path(__file__).parents[2] / "workflow" / "report" / "corrections.json"
UGRNN = {
    "cell": "ugrnn",
    "units": 32,
    "place_cells": 64,
    "batch_size": 20,
    "steps": 100,
    "weight_decay": 0.0,
}
UGRNN_SEEDS = [0, 1, 2]


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
    pictures = {name: f"../workflow/report/corrections_{name}.svg" for name in sheet.PICTURES}
    shown = sheet.to_markdown(made, pictures)
    return PAGE.format(intervals=sheet.INTERVALS, corrections=shown)


def main(path: str) -> None:
    """Write the page, and the records and pictures that every study's report shows, too."""
    made = corrections()
    SHEET.write_text(sheet.to_json(made), encoding="utf-8")
    Path(path).write_text(page(made), encoding="utf-8")
    for name in sheet.PICTURES:
        correction_pictures.picture(name, SHEET.parent)


if __name__ == "__main__":
    main(*sys.argv[1:])
