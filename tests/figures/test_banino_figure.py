"""The figure of Banino et al.: drawn from any networks, legible, with the shares in its table."""

import itertools

import numpy as np
import pytest
from figure_examples import words
from matplotlib.transforms import Bbox
from nofreelunch.evaluation.measure_published import measure_published
from nofreelunch.figures import figure_data
from nofreelunch.figures.published import banino_2018
from nofreelunch.findings.published.claims_of_banino import TESTS
from nofreelunch.findings.published.model_measures import summarise
from nofreelunch.scoring.unit_scores import score_units
from nofreelunch.training.train_published import train_published
from published_examples import job, walks

ABOUT = {"paper": "A paper.", "title": "maps", "budget": "minutes", "deviations": []}
KIND = "bottleneck_lstm"


@pytest.fixture(scope="module")
def model():
    """Summary and maps of two networks with dropout, one without, and one untrained."""
    found = []
    untrained = {"part": "untrained", "steps": 0}
    for changes in (({}, {"seed": 1}), ({"dropout": 0.0},), (untrained,)):
        trained = train_published(job(KIND, *changes), walks(KIND), "cpu")
        held_out = walks(KIND, 200, seed=2), walks(KIND, 40, 60, seed=3)
        found.append(measure_published(trained, *held_out, 0.2, 0.1))
    summary = summarise(found, [score_units(one, 20) for one in found], ABOUT, 0.8)
    maps = {str(n): one["rate_map"].sel(network=n) for one in found for n in one["network"].values}
    return {"banino_2018": summary}, maps


def test_its_table_has_the_mean_share_at_every_radius(model):
    drawn = banino_2018.draw(*model)
    summary = model[0]["banino_2018"]
    expected = 100 * summary["grid_like_by_radius"].isel(network=slice(2)).mean("network")
    line = next(line for line in drawn.axes[-3].lines if line.get_label() == "dropout")
    shares = expected.sel(definition="min_max", criterion="fixed")
    np.testing.assert_allclose(line.get_ydata(), shares)
    assert np.isfinite(figure_data.figure_table(drawn)["y"]).any()


def test_it_is_drawn_without_the_networks_of_a_group(model):
    summaries, maps = model
    few = {"banino_2018": summaries["banino_2018"].isel(network=slice(2))}
    assert banino_2018.draw(few, maps).axes


def test_it_fits_a_double_column_in_legible_print_and_no_text_lies_on_another(model):
    drawn = banino_2018.draw(*model)
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


def test_claims_are_judged_on_what_the_summary_holds(model):
    claims = [test(model[0]["banino_2018"]) for test in TESTS]
    assert [claim.id for claim in claims] == ["Ba", "Bb", "Bc", "Bd", "Be"]
    assert all("Needs 3 networks" in claim.reason for claim in claims)
