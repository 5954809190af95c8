"""The page of unusual studies and of anyone's maps, in a real browser."""

import re

import numpy as np
import small_study
from nofreelunch.explorer import maps_data, study_data
from page_views import NETWORK, NOTHING, OVERVIEW, TILES, UNIT, dots, rows, units_shown, write_page
from test_study_data import LATTICE, network_of, summary_of

pytest_plugins = "page_fixtures"


def test_dead_units_and_diverged_networks(page, study):
    network = network_of(study[0], **LATTICE)
    page.open(f"{study[1]}#{network['id']}/0", UNIT)
    assert "The unit was not tested." in page.text("#surrogates-caption")
    assert "No lattice was measured (inactive)." in page.text("#correlations-caption")
    lost = network_of(study[0], place_cell_width=0.2)
    page.open(f"{study[1]}#{lost['id']}", TILES)
    assert "diverged" in page.text("#measures")
    page.open(f"{study[1]}#{lost['id']}/1", UNIT)


def test_a_study_whose_networks_all_diverged(tab, tmp_path):
    results = small_study.make(
        tmp_path, surrogates=0, diverged="all", only={"target": ["gaussian"]}
    )
    data, blocks = study_data.collect_results(results)
    tab.open(write_page(tmp_path, data, blocks), OVERVIEW)
    said = tab.evaluate("byId('dots').layout.annotations[0].text")
    assert said == "All networks diverged: there is nothing to draw."
    tab.press("Enter")
    tab.wait(TILES)
    assert tab.problems == [] and tab.requests == []


def test_a_network_whose_units_are_not_in_the_page(tab, tmp_path, study, results):
    data, blocks = study_data.collect_study(summary_of(results), results, budget=1)
    (missing, *_) = (n["id"] for n in data["networks"] if n["id"] not in blocks)
    address = write_page(tmp_path, data, blocks)
    tab.open(f"{address}#{missing}", NETWORK)
    assert tab.text("#network-note") == "No units of this network are in this page."
    tab.open(f"{address}#{missing}/1", NOTHING)
    assert tab.problems == [] and tab.requests == []


def test_12_000_networks_are_drawn_and_chosen_from(tab, tmp_path, study):
    first = network_of(study[0], **LATTICE)
    copies = [
        first | {"id": f"{k:05}", "units": 0, "spec": first["spec"] | {"seed": k % 9}}
        for k in range(12_000)
    ]
    tab.open(write_page(tmp_path, study[0] | {"networks": copies}, {}), OVERVIEW)
    assert tab.text("#count") == "12,000 of 12,000 networks; the table has the first 400"
    assert len(dots(tab)) == 12_000
    tab.press("ArrowDown", 3)
    assert tab.evaluate("state.network") == rows(tab)[3] == "00003"
    tab.choose("#filter-seed", "8")
    assert len(dots(tab)) == 1333
    assert tab.problems == [] and tab.requests == []


def test_a_page_of_anyones_maps(tab, tmp_path):
    maps = np.random.default_rng(0).gamma(1, 1, (5, 12, 12))
    maps[2] = 0
    data, blocks = maps_data.collect_maps(maps, 0.05, "cartes de l'été", surrogates=5)
    tab.open(write_page(tmp_path, data, blocks), TILES)
    assert tab.text("#network-title") == "cartes de l'été" and len(units_shown(tab)) == 5
    labels = tab.evaluate("[...byId('sort').options].map((one) => one.text)")
    assert labels == ["grid score", "p-value", "number"] or "period" in labels
    tab.press("Enter")
    tab.wait(UNIT)
    assert re.fullmatch(r"#maps/\d", tab.evaluate("location.hash"))
    assert "in the unit of the file" in tab.text("#map-caption")
    tab.press("Escape")
    tab.wait(TILES)
    tab.press("/")
    tab.write("dim_0 2")
    tab.press("Enter")
    tab.wait(UNIT)
    assert tab.evaluate("location.hash") == "#maps/2"
    assert tab.problems == [] and tab.requests == []
