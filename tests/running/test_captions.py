"""Captions of the report, for other pages."""

from pathlib import Path

from nofreelunch.figures.contents import FIGURES
from nofreelunch.running.captions import read_captions

CAPTIONS = Path(__file__).parents[2] / "workflow" / "report" / "figures.rst"
CONFIG = {"thresholds": {"position_error": 0.1, "position_error_horizon": 20, "grid_cells": 0.8}}


def test_every_figure_has_the_caption_of_the_report():
    captions = read_captions(CAPTIONS, FIGURES, CONFIG)
    assert set(captions) == set(FIGURES)
    assert captions["result_1"].startswith("**Result 1. ")
    assert "below 10 cm over 20 steps" in captions["result_1"]
