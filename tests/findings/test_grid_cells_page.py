"""docs/grid_cells.md: its script on made-up networks, and a page whose sentences fit its table."""

import json
import re
import string
from pathlib import Path
from types import SimpleNamespace

import codes
import grid_cells
import numpy as np
import pytest
import synthetic_summary
import xarray as xr
from figure_examples import words
from nofreelunch.findings import comparisons, network_measures, verdicts
from nofreelunch.scoring.surrogates import KINDS
from search import network_table

PAGE = Path(__file__).parents[2] / "docs" / "grid_cells.md"


@pytest.fixture(scope="module")
def study():
    """Some reference networks have place cells on a raster; of the others none has a lattice."""
    full = synthetic_summary.make("full")
    reference = comparisons.select(full)["network"].values[:2]
    moved = np.isin(full["network"].values, reference)
    specs = [
        json.dumps(spec | ({"place_cell_centres": "raster"} if there else {}))
        for spec, there in zip(comparisons.specs(full), moved, strict=True)
    ]
    none = synthetic_summary.without_lattices(full)
    changed = ("significant", "p_value", "grid_fraction")
    here = full["network"].isin(reference)
    summary = full.assign({name: full[name].where(here, none[name]) for name in changed})
    summary["significant"] = summary["significant"].astype(bool)
    return summary.assign_coords(spec=("network", specs))


def test_sentences_have_the_numbers_of_both_kinds(study):
    of = grid_cells.kinds(study)
    assert [networks.sizes["network"] for networks in of.values()] == [2, 2]
    raster, random = of.values()
    text = grid_cells.said(of)
    assert "2 of the 2 networks have significant" in text
    assert "None of the 2 networks has significant" in text
    fraction = verdicts.mean_percent(network_measures.grid_fraction(raster))
    assert f"{fraction} are significant" in text and "0.0 % are significant" in text
    apart = network_measures.small_p_values(raster).mean()
    apart -= network_measures.small_p_values(random).mean()
    assert f"is {100 * apart:+.1f} points [" in text
    period = np.median(np.concatenate(network_measures.significant_periods(raster)))
    assert f"median period of {period:.2f} m" in text


def test_the_table_says_which_networks_have_their_place_cells_on_a_raster(study):
    of = grid_cells.kinds(study)
    both = xr.concat([*of.values()], "network", data_vars="all")
    both["in_sweep"] = (("sweep", "network"), np.ones((1, 4), bool))
    lines = network_table(both, comparisons.defaults(study)).splitlines()
    assert sum(line.startswith("| place_cell_centres raster |") for line in lines) == 2
    assert sum(line.startswith("| nothing |") for line in lines) == 2


def test_a_difference_is_said_to_matter_only_if_its_interval_excludes_zero(study):
    raster, random = grid_cells.kinds(study).values()
    assert "cannot be told" in grid_cells.meaning({"one": random, "other": random})
    some, others = (
        random.assign(grid_fraction=random["grid_fraction"] * 0 + shares)
        for shares in ([0.1, 0.2], [0.12, 0.16])
    )
    assert "cannot be told" in grid_cells.meaning({"one": some, "other": others})
    sure = raster.assign(grid_fraction=raster["grid_fraction"] * 0 + [0.20, 0.21])
    assert "**Where the place cells lie matters.**" in grid_cells.meaning(
        {"one": sure, "other": random}
    )


def test_kinds_are_set_against_chance(study):
    raster, _ = grid_cells.kinds(study).values()
    many = raster.assign(p_value=raster["p_value"].where(raster["unit"] > 60, 0.001))
    text = grid_cells.meaning({"so": many, "otherwise": many.assign(p_value=many["p_value"] + 0.1)})
    assert "cells so, small p-values are more frequent than by chance" in text
    assert "cells otherwise, small p-values are not more frequent than by chance" in text
    share = round(100 * network_measures.lattices(many).share)
    assert f"{share} % [" in text and share > 20


def test_the_size_is_measured_on_active_units_of_all_networks(study, monkeypatch):
    """The larger share of the two kinds counts, as in a study's own size."""
    two = study.isel(network=[0, 1])
    active = two["active"].sum("unit").values
    asked, p_value = [], iter([[0.01, 0.5, 0.5, 0.5], [0.01, 0.02, 0.5, 0.5]])

    def calibrate(maps, seed, count):
        asked.append((len(maps), count))
        made = [next(p_value), [0.5] * 3 + [np.nan], [0.01] * 4]
        return xr.DataArray(made, {"made": [*KINDS, "lattice"]}, ("made", "sample"))

    maps = xr.DataArray(
        np.zeros((2, two.sizes["unit"], 4)),
        {"network": two["network"].values},
        ("network", "unit", "bin"),
    )
    monkeypatch.setattr(grid_cells, "opened_maps", lambda folder, cohort: maps)
    monkeypatch.setattr(grid_cells.calibration, "calibrate", calibrate)
    assert grid_cells.measured_size("nowhere", two) == pytest.approx(3 / 8)
    assert asked == [(count, grid_cells.DRAWN) for count in active]
    text = grid_cells.chance(two.assign_attrs(test_size=0.125), two.assign_attrs(test_size=0.051))
    assert (
        text.startswith("Chance is 5.1 %, or less: of 128 surrogates") and "at most 5.1 %" in text
    )
    assert "itself tests 16; of these 12.5 % have" in text


def test_the_picture_shows_units_of_both_kinds_and_all_networks(study):
    rate_maps = synthetic_summary.rate_maps(study, bins=11)
    figure = grid_cells.draw(grid_cells.kinds(study), rate_maps)
    assert len([axes for axes in figure.axes if axes.images]) == 4 * grid_cells.SHOWN
    shown = [text.get_text() for text in words(figure)]
    assert sum("★" in text for text in shown) == grid_cells.SHOWN
    assert sum(text.startswith("p = ") for text in shown) == grid_cells.SHOWN
    *dots, chance = figure.axes[-1].lines
    drawn = np.concatenate([line.get_ydata() for line in dots]).reshape(2, 4)
    kinds = grid_cells.kinds(study).values()
    for row, measure in zip(drawn, grid_cells.SHARES.values(), strict=True):
        np.testing.assert_allclose(row, [100 * s for n in kinds for s in measure(n)])
    assert set(chance.get_ydata()) == {100 * network_measures.chance_of_small_p(study)}


def test_maps_of_finer_bins_are_scored_too(study, monkeypatch):
    def finer(trained, walks, bin_size):
        assert (trained, walks, bin_size) == ("training", "trajectories", 0.05)
        return {"rate_map": xr.DataArray([["fine"]])}

    shares = {"fine": 0.3, "coarse": 0.19}
    monkeypatch.setattr(grid_cells.datasets, "load", lambda path, stage: stage)
    monkeypatch.setattr(grid_cells, "measure_rate_maps", finer)
    monkeypatch.setattr(grid_cells, "opened_maps", lambda *given: xr.DataArray([["coarse"]]))
    monkeypatch.setattr(codes, "lattices", lambda maps: SimpleNamespace(share=shares[maps[0]]))
    text = grid_cells.finer(
        "nowhere", grid_cells.kinds(study)["on a raster"].assign_attrs(bin_size=0.1)
    )
    assert "a spacing of 13.8 cm, and maps have bins of 10 cm" in text  # of 16 along 2.2 m
    assert "With bins of 5 cm 30 % of" in text and "and 19.0 % with bins of 10 cm" in text


def networks() -> dict[str, list[list[str]]]:
    """The rows of the table, by what they changed."""
    found: dict[str, list[list[str]]] = {}
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[1].isdigit():
            found.setdefault(cells[0], []).append(cells[1:])
    return found


def test_the_page_has_the_words_of_its_script():
    text, at = PAGE.read_text(), 0
    for said, *_ in string.Formatter().parse(grid_cells.PAGE):
        assert said in text[at:], said
        at = text.index(said, at) + len(said)
    assert at == len(text)


def test_the_sentences_of_the_page_fit_its_table():
    text = " ".join(PAGE.read_text().split())
    of = networks()
    assert set(of) == {"nothing", "place_cell_centres raster"}
    for where, rows in (
        ("on a raster", of["place_cell_centres raster"]),
        ("at random", of["nothing"]),
    ):
        significant = [float(row[5].split()[0]) for row in rows]
        count = sum(share > 0 for share in significant)
        said = re.search(rf"cells {where},.*? ([\d.]+) % are significant.*?\. (\w+) of the 4", text)
        assert said[2] == (str(count) if count else "None")
        assert float(said[1]) == pytest.approx(np.mean(significant), abs=0.1)
    means = re.findall(r"([\d.]+) % are significant", text)
    readme = " ".join((PAGE.parents[1] / "README.md").read_text().split())
    assert f"three of four networks have significant units, {means[0]} % of the active" in readme
