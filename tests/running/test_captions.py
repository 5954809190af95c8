"""Captions of the report, for other pages."""

from pathlib import Path

from nofreelunch.figures.contents import FIGURES
from nofreelunch.running.captions import labels, read_captions

CAPTIONS = Path(__file__).parents[2] / "workflow" / "report" / "figures.rst"
CONFIG = {"thresholds": {"position_error": 0.1, "position_error_horizon": 20, "grid_cells": 0.8}}


def test_every_figure_has_the_caption_of_the_report():
    captions = read_captions(CAPTIONS, FIGURES, CONFIG)
    assert set(captions) == set(FIGURES)
    assert captions["result_1"].startswith("**Result 1. ")
    assert "below 10 cm over 20 steps" in captions["result_1"]


def test_the_menu_of_the_report_says_what_each_figure_shows_in_the_order_of_the_story():
    captions = read_captions(CAPTIONS, FIGURES, CONFIG)
    rows = [labels(captions, name) for name in FIGURES]
    places = [row["part"] for row in rows]
    assert places == sorted(set(places)) and len(places) == len(FIGURES)
    titles = [row["what it shows"] for row in rows]
    assert titles[1].startswith("Result 1. How many networks solve the task")
    assert all(len(title.split()) > 4 and "*" not in title for title in titles)
    assert len(set(titles)) == len(titles)


def test_a_figure_without_a_title_has_its_name():
    assert labels({"mine": "Some dots."}, "mine")["what it shows"] == "mine"
