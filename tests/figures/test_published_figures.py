"""Figures of the published models: drawn from any networks, and legible."""

import importlib
import itertools

import nayebi_examples
import numpy as np
import pytest
import xarray as xr
from figure_examples import words
from matplotlib.transforms import Bbox
from nofreelunch.evaluation.factorised_maps import factorised_maps
from nofreelunch.evaluation.measure_published import measure_published
from nofreelunch.evaluation.published import graph_memory
from nofreelunch.figures import figure_data
from nofreelunch.figures.published import nayebi_2021
from nofreelunch.figures.published.model_figures import FIGURES
from nofreelunch.findings.published import tem_measures
from nofreelunch.findings.published.model_measures import summarise
from nofreelunch.findings.published.paper_claims import TESTS, evaluate
from nofreelunch.scoring.lattice_classes import LATTICES
from nofreelunch.scoring.unit_scores import score_units
from nofreelunch.training.train_published import train_published
from published_examples import FACTORS, job, walks

ABOUT = {"paper": "A paper.", "title": "maps", "budget": "minutes", "deviations": []}


def of_job(kind: str, *changes: dict) -> xr.Dataset:
    trained = train_published(job(kind, *changes), walks(kind), "cpu")
    fresh, longer = walks(kind, 200, seed=2), walks(kind, 40, 60, seed=3)
    return measure_published(trained, fresh, longer, 0.2, 0.1)


def of_nayebi() -> xr.Dataset:
    """Networks with made-up measures."""
    found, random = nayebi_examples.summary(), np.random.default_rng(0)
    count = found.sizes["network"]
    shares = (("network", "lattice"), random.uniform(0, 0.1, (count, 3)))
    measures = {name: ("network", random.normal(size=count)) for name in ("mean_60", "mean_90")}
    return found.assign({"lattice_share": shares, **measures}).assign_coords(lattice=list(LATTICES))


@pytest.fixture(scope="module")
def models():
    """Summaries and maps of all models, a few networks each."""
    both = {"target": "difference_of_softmaxes", "units": 8, "method": "nmf"}
    untrained = {"part": "untrained", "steps": 0}
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
        "banino_2018": [
            of_job("bottleneck_lstm", {}, {"seed": 1}),
            of_job("bottleneck_lstm", {"dropout": 0.0}),
            of_job("bottleneck_lstm", untrained),
        ],
    }
    summaries, maps = {"nayebi_2021": of_nayebi()}, {}
    for name, found in jobs.items():
        summaries[name] = summarise(found, [score_units(one, 20) for one in found], ABOUT, 0.8)
        for one in found:
            maps |= {str(n): one["rate_map"].sel(network=n) for n in one["network"].values}
    machines = job("graph_memory", {"steps": 5}, {"steps": 5, "seed": 1}, {"steps": 0})
    measured = graph_memory.measure(train_published(machines, None, "cpu"), 2)
    summaries["whittington_2020"] = tem_measures.summarise([measured], ABOUT)
    return summaries, maps


def draw(name: str, summaries, maps):
    return importlib.import_module(f"nofreelunch.figures.published.{name}").draw(summaries, maps)


def check_legible(drawn) -> None:
    """A double column with a table, in legible print, where no text lies on another."""
    assert np.isfinite(figure_data.figure_table(drawn)["y"]).any()
    drawn.draw_without_rendering()
    box, (width, height) = drawn.get_tightbbox(), drawn.get_size_inches()
    assert width == pytest.approx(180 / 25.4)
    assert height * 25.4 < 225 and box.x0 > -0.02 and box.x1 < width + 0.02
    shown = words(drawn)
    assert min(text.get_fontsize() for text in shown) >= 7
    ticks = {id(t) for a in drawn.axes for t in (*a.get_xticklabels(), *a.get_yticklabels())}
    boxes = [(t.get_text(), t.get_window_extent()) for t in shown if id(t) not in ticks]
    for (text, one), (other, two) in itertools.combinations(boxes, 2):
        both = Bbox.intersection(one, two)
        assert both is None or both.width < 1 or both.height < 1, (text, other)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_drawn_from_some_networks_and_is_legible(models, name):
    check_legible(draw(name, *models))


@pytest.mark.parametrize("name", [name for name in TESTS if name != "nayebi_2021"])
def test_it_is_drawn_without_the_networks_of_a_group(models, name):
    summaries, maps = models
    few = {name: summaries[name].isel(network=slice(2))}
    for figure in (name, "side_by_side"):
        assert draw(figure, few, maps).axes


def test_papers_that_measured_something_else_have_their_own_measure_beside_the_scores(models):
    drawn = draw("side_by_side", *models)
    above = {axes.get_title(): axes.get_ylabel() for axes in drawn.axes if axes.get_title()}
    assert above["Banino et al."] == "units above 0.37 (%)"
    assert "predictivity" in above["Nayebi et al."] and "links" in above["Whittington\net al."]
    assert above["Cueva & Wei"] == "mean score at 60° and 90°"


def test_recordings_take_the_place_of_populations():
    check_legible(nayebi_2021.draw({"nayebi_2021": nayebi_examples.summary(("recorded",))}, {}))


def test_the_table_of_banino_has_the_mean_share_at_every_radius(models):
    drawn = draw("banino_2018", *models)
    shares = models[0]["banino_2018"]["grid_like_by_radius"].isel(network=slice(2)).mean("network")
    line = next(line for line in drawn.axes[-3].lines if line.get_label() == "dropout")
    expected = 100 * shares.sel(definition="min_max", criterion="fixed")
    np.testing.assert_allclose(line.get_ydata(), expected)


def test_claims_are_judged_on_what_the_summaries_hold(models):
    found = evaluate({name: models[0][name] for name in ("banino_2018", "whittington_2020")})
    for name, claims in found.items():
        assert len(claims) == len(TESTS[name])
        assert all("Needs" in claim.reason for claim in claims)  # more networks
