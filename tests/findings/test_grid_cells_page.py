"""docs/grid_cells.md: its script on made-up networks, and a page whose sentences fit its table."""

import json
import re
import string
from pathlib import Path

import codes
import grid_cells
import numpy as np
import pytest
import synthetic_summary
import xarray as xr
from figure_examples import words
from nofreelunch.findings import comparisons, network_measures

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
    assert "on a raster, 2 of 2 networks have significant units" in text
    assert "at random, 0 of 2 networks have significant units" in text
    fraction = 100 * network_measures.grid_fraction(raster).mean()
    assert f"{fraction:.1f} % are significant" in text and "0.0 % are significant" in text
    apart = network_measures.small_p_values(raster).mean()
    apart -= network_measures.small_p_values(random).mean()
    assert f"gives {100 * apart:.1f} [" in text


def test_a_difference_is_said_to_matter_only_if_its_interval_excludes_zero(study):
    of = grid_cells.kinds(study)
    raster, random = of.values()
    assert "cannot be told" in grid_cells.meaning({"one": random, "other": random})
    sure = raster.assign(grid_fraction=raster["grid_fraction"] * 0 + [0.20, 0.21])
    assert "**Where the place cells lie matters.**" in grid_cells.meaning(
        {"one": sure, "other": random}
    )


def test_the_picture_shows_units_of_both_kinds_and_all_networks(study):
    rate_maps = synthetic_summary.rate_maps(study, bins=11)
    figure = grid_cells.draw(grid_cells.kinds(study), rate_maps)
    assert len([axes for axes in figure.axes if axes.images]) == 4 * grid_cells.SHOWN
    shown = [text.get_text() for text in words(figure)]
    assert sum("★" in text for text in shown) == grid_cells.SHOWN
    assert sum(text.startswith("p ") for text in shown) >= grid_cells.SHOWN
    dots = sum(len(line.get_xdata()) for line in figure.axes[-1].lines[:-1])
    assert dots == 2 * 4


def test_maps_of_finer_bins_are_scored_too(study, monkeypatch):
    def maps(trained, walks, bin_size):
        assert (trained, walks) == ("training", "trajectories")
        return xr.Dataset({"rate_map": (("network", "bins"), [[bin_size]])})

    share = {0.1: 0.2, 0.05: 0.3}
    lattices = codes.Lattices(np.zeros(10), np.zeros(10))
    small = {size: np.arange(10) < 10 * value for size, value in share.items()}
    monkeypatch.setattr(grid_cells.datasets, "load", lambda path, stage: stage)
    monkeypatch.setattr(grid_cells, "measure_rate_maps", maps)
    monkeypatch.setattr(codes, "lattices", lambda bins: lattices._replace(small=small[bins[0]]))
    text = grid_cells.finer("nowhere", grid_cells.kinds(study)["on a raster"])
    assert "a spacing of 13.8 cm, and maps have bins of 10 cm" in text  # of 16 along 2.2 m
    assert "With bins of 5 cm 30 % of" in text and "and 20 % with bins of 10 cm" in text


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
        assert f"{where}, {count} of {len(rows)} networks have significant units" in text
        mean = re.search(rf"cells {where},.*?([\d.]+) % are significant", text)
        assert float(mean[1]) == pytest.approx(np.mean(significant), abs=0.1)
