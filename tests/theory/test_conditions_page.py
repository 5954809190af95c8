"""docs/conditions.md: its script on small cases, and numbers of the page that are computed anew."""

from pathlib import Path

import begun_networks
import codes
import conditions
import numpy as np
import pytest
import torch

PAGE = Path(__file__).parents[2] / "docs" / "conditions.md"
FEW = 2  # growths, which are computed in seconds


def rows() -> dict[str, list[str]]:
    """The cells of all tables, by their first column."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first: rest for first, *rest in cells}


def test_the_page_has_what_is_computed():
    label = "walls, 512 random"
    again = "run python docs/build/conditions.py docs/conditions.md"
    found = conditions.shares(conditions.placed(label, conditions.DECADES[:FEW]))
    assert rows()[label][:FEW] == found, again


def test_random_positions_prevent_lattices_and_regular_ones_do_not():
    for walls in ("walls", "joined walls"):
        even, random = (
            [float(cell) for cell in rows()[f"{walls}, {cells}"]]
            for cells in ("484 regular", "512 random")
        )
        assert even == sorted(even) and even[-1] > 70 > 15 > max(random)


def test_units_that_start_smaller_have_more_lattices_and_lose_some():
    found = {
        start: [float(cell) for cell in rows()[f"10^-{start}"]] for start in begun_networks.STARTS
    }
    first = [shares[0] for shares in found.values()]
    assert first == sorted(first) and first[0] < 10
    assert found[begun_networks.STARTS[-1]] == sorted(found[begun_networks.STARTS[-1]])[::-1]


def test_what_the_page_says_of_networks_is_what_their_row_says():
    shares = [cell.split("; ")[1].split(" [")[0] for cell in rows()["lattices"]]
    share = np.array([[float(mean)] * 4 for mean in shares]) / 100
    assert conditions.verdict(share) in PAGE.read_text()


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ([0.48, 0.5, 0.52, 0.49], "cannot be told"),
        ([0.0, 0.9, 0.1, 0.4], "cannot be told"),
        ([0.08, 0.1, 0.12, 0.1], "Networks lose lattices that they began with."),
        ([0.0, 0.01, 0.02, 0.0], "no more units pass than by chance."),
    ],
)
def test_a_verdict_needs_its_interval(last, said):
    verdict = conditions.verdict(np.array([[0.5, 0.51, 0.49, 0.5], last]))
    assert said in verdict and (verdict.endswith(said) or "cannot" in said)


def test_networks_begin_with_the_code(monkeypatch):
    """Their encoder gives its maps and their decoder what it reads out, before any training."""
    monkeypatch.setattr(begun_networks, "SEEDS", (10,))
    target = codes.place_cells(begun_networks.WIDTH, begun_networks.CELLS, True, 10)
    (code,) = codes.learnt(target, begun_networks.UNITS, 1e-2, (0.5,), 10)
    stack = begun_networks.begin(begun_networks.Arm(2))
    start = torch.from_numpy(codes.activity(target)).float()[None]
    still = torch.zeros(1, 1, codes.BINS**2, 2)
    activity = stack.networks.run(start, still)
    found = activity[0, 0].detach().numpy()
    assert np.corrcoef(found.ravel(), code.activity.ravel())[0, 1] > 0.95
    read = stack.networks.read_out(activity)[0, 0].detach().numpy()
    wanted = code.activity @ code.readout
    assert np.corrcoef(read.ravel(), wanted.ravel())[0, 1] > 0.95


def test_maps_that_stay_correlate_with_those_at_the_start():
    maps = np.random.default_rng(0).random((3, 6, 6))
    silent = np.concatenate([maps[:2], 0 * maps[2:]])
    assert begun_networks.correlation(maps, 2 * maps + 1) == pytest.approx(1)
    assert begun_networks.correlation(maps, silent) == pytest.approx(1)


@pytest.mark.parametrize("periodic", [True, False])
def test_centres_on_a_raster_fill_the_arena_evenly(periodic):
    target = codes.place_cells(0.11, 25, True, 0, periodic)
    centre = target._parameters["centre"][0, :, 0].numpy()
    along = 2.2 * (np.arange(5) - 2) / 5
    assert {tuple(row) for row in centre.round(6)} == {
        (x, y) for x in along.round(6) for y in along.round(6)
    }
    most_active = target.encode(centre).argmax(-1)
    np.testing.assert_array_equal(most_active, np.arange(25))


def test_a_raster_is_square():
    with pytest.raises(ValueError, match="place_cells: found 26; allowed: a square number"):
        codes.place_cells(0.11, 26, True, 0)


def test_patterns_of_even_cells_are_alike_wherever_a_raster_begins():
    """The covariance of even place cells is the same at each of them."""
    found = codes.centred(codes.place_cells(0.2, codes.BINS**2, True, 0))
    power = np.square(found).sum(1)
    assert power.max() / power.min() == pytest.approx(1, abs=1e-6)


def test_a_code_explains_what_so_many_units_can_explain_and_no_more():
    target = codes.place_cells(0.2, 49, True, 0)
    cells = codes.centred(target)
    strengths = np.square(np.linalg.svd(cells, compute_uv=False))
    one, other = codes.learnt(target, 6, 1e-2, (0.2, 0.6), 0)
    assert 0.2 < one.explained < 0.6 < other.explained <= 1
    assert (other.activity >= 0).all() and other.maps.shape == (6, codes.BINS, codes.BINS)
    cells = cells / np.sqrt(strengths[0])
    left = np.square(cells - other.activity @ other.readout).sum() / np.square(cells).sum()
    best = strengths[:6].sum() / strengths.sum()
    assert (1 - left) / best == pytest.approx(other.explained, abs=1e-9)


def test_a_code_that_cannot_explain_so_much_is_one_line(monkeypatch):
    monkeypatch.setattr(codes, "LONGEST", 20)
    with pytest.raises(ValueError, match=r"units: found a code that explains 0.*; allowed: 0.99"):
        list(codes.learnt(codes.place_cells(0.2, 49, True, 0), 2, 1e-2, (0.99,), 0))


def test_growth_is_that_of_the_maps_and_equal_power_is_equal():
    """Maps keep a standard deviation of one; with equal power their fields lie more evenly."""
    target = codes.place_cells(0.2, 49, True, 0)
    few, more = codes.grown(target, (1, 3), 4, 0)
    assert few.shape == more.shape == (4, codes.BINS, codes.BINS)
    assert (more >= 0).all() and more.std((1, 2)) == pytest.approx(1)
    random = codes.place_cells(0.2, 49, False, 0)
    (own,), (equal,) = (codes.grown(random, (20,), 8, 0, equal) for equal in (False, True))
    uneven = [np.square(maps).mean(0).std() for maps in (own, equal)]
    assert uneven[0] > uneven[1]
