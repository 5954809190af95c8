"""The figure of Whittington et al., from networks as measured."""

import itertools

import numpy as np
import pytest
from figure_examples import words
from matplotlib.transforms import Bbox
from nofreelunch.evaluation.published.graph_memory import measure
from nofreelunch.figures import figure_data
from nofreelunch.figures.published import whittington_2020
from nofreelunch.findings.published.tem_measures import summarise
from nofreelunch.training.train_published import train_published
from published_examples import job

ABOUT = {"paper": "A paper.", "title": "machines", "budget": "minutes", "deviations": []}


@pytest.fixture(scope="module")
def summary():
    cohort = job("graph_memory", {"steps": 5}, {"steps": 5, "seed": 1}, {"steps": 0})
    return summarise([measure(train_published(cohort, None, "cpu"), 2)], ABOUT)


@pytest.mark.parametrize("networks", [slice(None), slice(2, None)])  # all, and untrained alone
def test_it_is_legible_whatever_networks_there_are_and_has_a_table(summary, networks):
    found = {"whittington_2020": summary.isel(network=networks)}
    drawn = whittington_2020.draw(found, {})
    assert np.isfinite(figure_data.figure_table(drawn)["y"]).any()
    drawn.draw_without_rendering()
    box, (width, height) = drawn.get_tightbbox(), drawn.get_size_inches()
    assert width == pytest.approx(180 / 25.4)
    assert height * 25.4 < 225 and box.x0 > -0.02 and box.x1 < width + 0.02
    shown = words(drawn)
    assert min(text.get_fontsize() for text in shown) >= 7
    panels = drawn.axes
    ticks = {id(t) for a in panels for t in (*a.get_xticklabels(), *a.get_yticklabels())}
    boxes = [(t.get_text(), t.get_window_extent()) for t in shown if id(t) not in ticks]
    for (text, one), (other, two) in itertools.combinations(boxes, 2):
        both = Bbox.intersection(one, two)
        assert both is None or both.width < 1 or both.height < 1, (text, other)
