"""docs/conditions.md: its script on small cases, and numbers of the page that are computed anew."""

import string
from pathlib import Path

import begun_networks
import codes
import conditions
import numpy as np
import pytest
import torch
from nofreelunch.task.arena import centres
from nofreelunch.task.trajectories import random_walk

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


def test_the_page_has_the_words_of_its_script():
    text = PAGE.read_text()
    at = 0
    for words, *_ in string.Formatter().parse(conditions.PAGE):
        assert words in text[at:], words
        at = text.index(words, at) + len(words)
    assert at == len(text)


def test_random_positions_prevent_lattices_and_regular_ones_do_not():
    for walls in ("walls", "joined walls"):
        regular, random = (
            [float(cell) for cell in rows()[f"{walls}, {cells}"]]
            for cells in ("484 regular", "512 random")
        )
        assert regular == sorted(regular) and regular[-1] > 70 > 15 > max(random)


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
    error = [float(cell.split(" cm")[0]) for cell in rows()["lattices"]]
    assert share[3, 0] < share[0, 0] / 2 and error[3] >= error[0] > 2 * error[4]
    kept = [float(rows()[kind][-1].split("; ")[2]) for kind in ("lattices", "no lattices")]
    assert kept[0] == pytest.approx(kept[1], abs=0.1)


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


@pytest.fixture
def one_network(monkeypatch):
    monkeypatch.setattr(begun_networks, "SEEDS", (10,))
    monkeypatch.setattr(begun_networks, "STEPS", (0, 2))
    return begun_networks.Arm(2)


def is_near(found, wanted):
    """Within what an encoder of place cells cannot express."""
    return np.linalg.norm(found - wanted) < 0.2 * np.linalg.norm(wanted)


def test_networks_begin_with_the_code(one_network):
    """Their encoder gives its maps and their decoder what it reads out, before any training."""
    target = codes.place_cells(begun_networks.WIDTH, begun_networks.CELLS, True, 10)
    (code,) = codes.learnt(target, begun_networks.UNITS, 1e-2, (0.5,), 10)
    stack = begun_networks.begin(one_network)
    place = torch.from_numpy(centres(0.1, codes.BINS)).float().reshape(1, -1, 2)
    start = stack.target.encode(place)
    np.testing.assert_allclose(start[0], codes.activity(target), atol=1e-5)
    activity = stack.networks.run(start, torch.zeros(1, 1, codes.BINS**2, 2))
    assert is_near(activity[0, 0].detach().numpy(), code.activity / code.activity.std())
    logits = stack.networks.read_out(activity)[0, 0].detach().numpy()
    strongest = np.linalg.norm(codes.centred(target), 2)
    assert is_near(logits, begun_networks.CELLS * strongest * code.activity @ code.readout)


def test_networks_are_measured_at_the_start_and_while_they_learn(one_network):
    found = begun_networks.train(one_network)
    assert found.error.shape == found.share.shape == found.kept.shape == (2, 1)
    assert found.kept[0, 0] == pytest.approx(1) and 0.9 < found.kept[1, 0] < 1
    assert 0.1 < found.error[0, 0] < 0.3


def test_maps_go_around_joined_walls(one_network):
    stack = begun_networks.begin(one_network)
    walks = random_walk(100, 5, seed=1, periodic=True)["position"]
    near, far = (begun_networks.measure(stack, walks + shift) for shift in (0.0, 2.2))
    np.testing.assert_allclose(near[0], far[0], rtol=1e-3, atol=1e-3)
    assert np.isfinite(near[0]).any() and near[1] == pytest.approx(far[1], abs=1e-3)


def test_silent_units_are_left_out_of_shares():
    noise = np.random.default_rng(0).random((2, codes.BINS, codes.BINS))
    lattices = codes.lattices(np.concatenate([noise, np.zeros_like(noise)]))
    assert len(lattices.small) == len(lattices.score) == 2


def test_maps_that_were_moved_turned_or_mirrored_are_alike():
    one, other = np.random.default_rng(0).random((2, 6, 6))
    moved = [np.roll(one, (2, 3), (0, 1)), np.roll(np.rot90(one), 1, 0), 3 * one[:, ::-1] + 1]
    maps = np.stack([one, *moved, other])
    np.testing.assert_array_equal(codes.alike(maps), [True, True, True, True, False])


def test_regular_cells_have_equal_power_at_each_of_them():
    """The covariance of regular place cells is the same at each of them."""
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
