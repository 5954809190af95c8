"""Figures of the published models: drawn from any networks, and legible."""

import importlib
import itertools

import numpy as np
import pytest
import xarray as xr
from figure_examples import words
from matplotlib.transforms import Bbox
from nofreelunch.evaluation.factorised_maps import factorised_maps
from nofreelunch.evaluation.measure_published import measure_published
from nofreelunch.figures import figure_data
from nofreelunch.figures.published.model_figures import FIGURES
from nofreelunch.findings.published.model_measures import summarise
from nofreelunch.scoring.unit_scores import score_units
from nofreelunch.training.train_published import train_published
from published_examples import FACTORS, job, walks

ABOUT = {"paper": "A paper.", "title": "maps", "budget": "minutes", "deviations": []}


def of_job(kind: str, *changes: dict) -> xr.Dataset:
    trained = train_published(job(kind, *changes), walks(kind), "cpu")
    return measure_published(
        trained, walks(kind, 40, seed=2), walks(kind, 40, 60, seed=3), 0.2, 0.1
    )


@pytest.fixture(scope="module")
def models():
    """Summaries and maps of both models, a few networks each."""
    both = {"target": "difference_of_softmaxes", "units": 8, "method": "nmf"}
    jobs = {
        "sorscher_2019": [
            factorised_maps({"a": FACTORS | {"units": 8}, "b": FACTORS | both}, 0.2, 0.1),
            of_job("grid_layer_lstm", {"steps": 5}),
            of_job("grid_layer_lstm", {"steps": 0}),
            of_job("rnn", {}, {"seed": 1}),
        ],
        "cueva_wei_2018": [
            of_job("leaky_tanh", {"stillness": 0.9}, {"stillness": 0.9, "seed": 1}),
            of_job("leaky_tanh", {"stillness": 0.9, "noise": 0.0}),
        ],
    }
    summaries, maps = {}, {}
    for name, found in jobs.items():
        summaries[name] = summarise(found, [score_units(one, 20) for one in found], ABOUT, 0.8)
        for one in found:
            maps |= {str(n): one["rate_map"].sel(network=n) for n in one["network"].values}
    return summaries, maps


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_drawn_from_some_networks_and_has_a_table(models, name):
    drawn = importlib.import_module(f"nofreelunch.figures.published.{name}").draw(*models)
    table = figure_data.figure_table(drawn)
    assert np.isfinite(table["y"]).any()
    assert drawn.get_size_inches()[0] == pytest.approx(180 / 25.4)


@pytest.mark.parametrize("name", FIGURES)
def test_it_fits_a_double_column_in_legible_print_and_no_text_lies_on_another(models, name):
    drawn = importlib.import_module(f"nofreelunch.figures.published.{name}").draw(*models)
    drawn.draw_without_rendering()
    box, (width, height) = drawn.get_tightbbox(), drawn.get_size_inches()
    assert height * 25.4 < 225 and box.x0 > -0.02 and box.x1 < width + 0.02
    shown = words(drawn)
    assert min(text.get_fontsize() for text in shown) >= 7
    panels = drawn.axes
    ticks = {id(t) for a in panels for t in (*a.get_xticklabels(), *a.get_yticklabels())}
    boxes = [(t.get_text(), t.get_window_extent()) for t in shown if id(t) not in ticks]
    for (text, one), (other, two) in itertools.combinations(boxes, 2):
        both = Bbox.intersection(one, two)
        assert both is None or both.width < 1 or both.height < 1, (text, other)
