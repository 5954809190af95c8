"""Corrections against the numbers of their derivations, and the page against its script."""

import re
from pathlib import Path

import correction_pictures
import corrections as docs_corrections
import numpy as np
import pytest
from nofreelunch.findings import talks
from nofreelunch.findings.corrections import encodings, map_scores, records, replication, sheet
from nofreelunch.scoring.grid_scores import grid_scores
from scipy import stats

DOCS = Path(__file__).parents[2] / "docs"
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
# By place-cell width, m: floors, cm, at ratios of widths of 1.5, 2, 2.5, 3, 4, 5 and 6. These were
# computed once, by another program.
FLOORS = {
    0.05: (5.5, 6.0, 6.5, 6.9, 7.5, 7.9, 8.2),
    0.10: (10.3, 11.4, 12.5, 13.4, 14.6, 15.8, 16.7),
    0.20: (21.9, 24.6, 27.1, 29.2, 32.5, 35.0, 37.1),
}


@pytest.fixture(scope="module")
def made():
    return docs_corrections.corrections()


def find(correction, *words):
    """The number whose label has all the words."""
    [number] = [one for one in correction.numbers if all(word in one.label for word in words)]
    return number


def test_the_page_is_what_the_script_writes(made):
    """Word for word; numbers to two units of the last digit, as processors round differently."""
    page = docs_corrections.page(made)
    written = (DOCS / "corrections.md").read_text(encoding="utf-8")
    again = "run python docs/build/corrections.py docs/corrections.md"
    assert NUMBER.sub("#", page) == NUMBER.sub("#", written), again
    for one, two in zip(NUMBER.findall(page), NUMBER.findall(written), strict=True):
        digit = 10.0 ** -len(one.partition(".")[2])
        found, expected = (float(text.replace(",", "")) for text in (one, two))
        assert abs(found - expected) <= 2.01 * digit + 0.01 * expected, again


def test_the_page_is_made_from_what_a_study_shows():
    kept = sheet.read(docs_corrections.SHEET)
    assert docs_corrections.page(kept) == (DOCS / "corrections.md").read_text(encoding="utf-8")


def test_a_kept_sheet_is_read_as_it_was(made, tmp_path):
    path, text = tmp_path / "corrections.json", sheet.to_json(made)
    path.write_text(text, encoding="utf-8")
    assert "NaN" not in text
    assert sheet.to_json(sheet.read(path)) == text
    assert docs_corrections.page(sheet.read(path)) == docs_corrections.page(made)


@pytest.mark.parametrize("name", sheet.PICTURES)
def test_pictures_are_what_the_script_draws(name, tmp_path):
    """The same bytes at each turn; what is kept has the same parts, wherever it was drawn."""
    for turn in "ab":
        (tmp_path / turn).mkdir()
    one, two = (correction_pictures.picture(name, tmp_path / turn).read_text() for turn in "ab")
    kept = docs_corrections.SHEET.with_name(f"corrections_{name}.svg").read_text()
    assert one == two and re.findall(r"<(\w+)", one) == re.findall(r"<(\w+)", kept)


def test_every_interval_holds_its_number(made):
    for correction in made.values():
        assert correction.said and correction.holds and correction.here and correction.numbers
        for number in correction.numbers:
            assert np.isfinite(number.value), number.label
            if number.interval:
                assert number.low <= number.value <= number.high, number.label
                assert number.basis != records.EXACT


def test_numbers_as_text():
    def shown(value, unit="%", decimals=1):
        return records.Number("", value, unit, decimals=decimals).text

    assert shown(12.34) == "12.3 %" and shown(1234.5, "", 0) == "1,234"
    assert shown(-0.24, "") == "−0.2" and shown(-0.01, "") == "0.0"
    assert shown(99.97) == "> 99.9 %" and shown(99.7, decimals=0) == "> 99 %"
    assert shown(100.0) == "100.0 %" and shown(99.97, "cm") == "100.0 cm"
    assert records.listed(["a"]) == "a" and records.listed(["a", "b", "c"]) == "a, b and c"
    half = records.share_of("", [True, False], "two draws")
    assert half.value == 50 and half.interval == "9.5 to 90.5"


def test_one_setting_has_two_spectra(made):
    correction = made["surround_conventions"]
    for name, peak, free, period in (
        ("widths", 2.83, 2.805, 90.6),
        ("variances", 3.61, 3.435, 73.9),
    ):
        assert find(correction, name, "peak").value == pytest.approx(peak, abs=0.01)
        assert find(correction, name, "without walls").value == pytest.approx(free, abs=0.005)
        assert find(correction, name, "period").value == pytest.approx(period, abs=0.1)


def test_periods_count_bins(made):
    correction = made["period_unit"]
    assert correction.numbers[2].value == pytest.approx(107.4, abs=0.1)
    assert find(correction, "at that period").value == pytest.approx(5, abs=0.5)
    assert find(correction, "were").value == pytest.approx(120, abs=2)


def test_fields_in_the_box_are_those_of_a_lattice():
    """A hexagonal lattice of period 1 has a field per sqrt(3) / 2: count those in a large box."""
    i, j = np.mgrid[-200:201, -200:201]
    x, y = i + j / 2, j * np.sqrt(3) / 2
    counted = np.sum((np.abs(x) < 40) & (np.abs(y) < 40))
    assert map_scores.fields_in_box(1.0, arena=80.0) == pytest.approx(counted, rel=0.01)
    with pytest.raises(ValueError, match=r"period: found 0.0 m; allowed: a period above 0 m"):
        map_scores.fields_in_box(0.0)


def test_copies_narrow_an_interval_that_then_covers_less(made):
    correction, networks = made["copies_as_networks"], 24
    copied = 4 * networks
    error = np.sqrt((networks - 1) / (copied - 1))  # of the mean, over that of the networks
    narrow = stats.t.ppf(0.975, copied - 1) * error
    due = stats.t.ppf(0.975, networks - 1)
    assert find(correction, "equal", "due width").value == pytest.approx(narrow / due, abs=1e-6)
    covered = 100 * (1 - 2 * stats.t.sf(narrow, networks - 1))
    assert find(correction, "equal", "coverage").value == pytest.approx(covered, abs=2.5)
    for name in ("equal copies: the same", "measured: the same"):
        assert find(correction, name).value == pytest.approx(95, abs=1.2)
    assert find(correction, "equal", "runs").value == pytest.approx(176)
    assert find(correction, "measured", "runs").value == pytest.approx(196, abs=0.5)


def test_effective_counts():
    assert replication.effective_count(40, 10, 1.0) == pytest.approx(10)
    assert replication.effective_count(40, 10, 0.0) == 40
    with pytest.raises(ValueError, match="distinct: found 41; allowed: 1 to 40"):
        replication.effective_count(40, 41, 1.0)
    with pytest.raises(ValueError, match=r"alike: found 1.5; allowed: a correlation of 0 to 1"):
        replication.effective_count(40, 10, 1.5)


def test_radius_of_the_ring():
    expected = (1.709, 1.923, 2.089, 2.223, 2.432, 2.590, 2.715)
    found = [encodings.ring_radius(1.0, ratio) for ratio in (1.5, 2, 2.5, 3, 4, 5, 6)]
    np.testing.assert_allclose(found, expected, atol=6e-4)
    distance = np.linspace(0, 10, 100001)
    difference = np.exp(-(distance**2) / 2) - np.exp(-(distance**2) / 8)
    assert encodings.ring_radius(1.0, 2.0) == pytest.approx(distance[difference.argmin()], abs=1e-3)
    with pytest.raises(ValueError, match=r"ratio: found 1.0; allowed: a ratio above 1"):
        encodings.ring_radius(0.1, 1.0)


def test_a_cell_of_the_inverted_ring_is_active_at_its_centre_and_far_away(made):
    correction = made["inverted_ring"]
    centre, ring, far = (find(correction, "equal amp", where) for where in ("centre", "ring", "cm"))
    assert ring.high < 0.1 and centre.low > 0.9 and far.low > centre.high
    assert find(correction, "(−q)", "ring").value == pytest.approx(-0.4725, abs=1e-4)
    assert find(correction, "equal areas", "centre").low > 5


def test_floors_of_the_decoder(made):
    correction = made["decoding_floor"]
    for width, floors in FLOORS.items():
        for ratio, floor in ((1.5, floors[0]), (6, floors[-1])):
            number = find(correction, f" {100 * width:g} cm and a ratio of {ratio:g}")
            assert number.value == pytest.approx(floor, rel=0.05)
    assert find(correction, "Gaussian").value == pytest.approx(4.35, abs=0.25)


def test_few_settings_can_pass_whatever_the_network(made):
    exact, reported = made["decoding_floor"].numbers[:2]
    fewest, settings, most = (
        round(49 * share / 100) for share in (exact.low, exact.value, exact.high)
    )
    assert fewest <= 7 <= most <= 8 and settings in (7, 8)
    assert (reported.low, reported.high) == pytest.approx((14.7, 19.7), abs=0.4)


def test_floors_between_the_outer_ratios():
    correction = encodings.decoding_floor([0.1, 0.12], [2.0], draws=3, walks=300)
    assert find(correction, "10 cm and").value == pytest.approx(FLOORS[0.10][1], rel=0.08)
    assert find(correction, " 12 cm and").value == pytest.approx(13.2, rel=0.08)
    assert correction.numbers[0].value == 0


def test_a_softmax_of_differences_is_a_gaussian(made):
    correction = made["differences_in_the_exponent"]
    assert find(correction, "ratio 2: width").value == pytest.approx(12 * 1.155, abs=0.01)
    assert all(one.value < 1e-12 for one in correction.numbers if "difference" in one.label)


def test_the_decayed_tensor_is_the_bias():
    weights = {"bias": np.array([[3.0, 4.0]]), "recurrent": np.full((2, 25), 10.0)}
    correction = replication.decayed_tensor([weights, weights], units=10)
    bias, kernel, after = correction.numbers
    assert (bias.value, kernel.value) == (20, 200)
    assert after.value == pytest.approx(100 * 25 / 5000) and after.low == after.high
    assert "UGRNN: bias" in correction.holds and "GRU: recurrent" in correction.holds


def test_a_trained_ugrnn_has_a_small_bias(made):
    after = made["decayed_tensor"].numbers[-1]
    assert 0 < after.value < 10


def test_score_definitions(made):
    correction = made["score_definitions"]
    assert find(correction, "hexagon:", "extremes").value == pytest.approx(1.44, abs=0.05)
    assert find(correction, "squares", "extremes").value == pytest.approx(-0.95, abs=0.1)
    for name in ("hexagon:", "stretched", "squares", "random maps"):
        assert (
            find(correction, name, "extremes").value < find(correction, name, "means").value + 1e-9
        )


def test_lattices_have_the_published_scores():
    """Of rectified hexagons of several periods, and the 90° score of squares."""
    place = map_scores.bin_centres()
    for period, score in ((0.5, 1.28), (0.9, 1.44), (1.1, 1.45), (1.4, 1.21)):
        rates = [map_scores.lattice_rates(place, period, angle) for angle in (0.1, 0.3, 0.5)]
        found = grid_scores(np.stack(rates)).score_60.sel(definition="min_max")
        assert found.mean() == pytest.approx(score, abs=0.12)
    squares = grid_scores(map_scores.lattice_rates(place, 0.7, waves=2))
    assert squares.score_90[0] == pytest.approx(1.27, abs=0.1)


def test_peaks_of_lattices_are_a_period_apart():
    for waves, fold in ((3, 6), (2, 4)):
        angle = np.pi / waves / 2 if waves == 3 else 0.0
        turns = angle + 2 * np.pi / fold * np.arange(fold)
        around = 0.8 * np.stack([np.cos(turns), np.sin(turns)], -1) + [0.1, -0.2]
        rates = map_scores.lattice_rates(around, 0.8, peak=(0.1, -0.2), waves=waves)
        np.testing.assert_allclose(rates, waves)


def test_noise_scores_high_by_chance(made):
    """8 of 600 maps, in a smaller sample of the same noise."""
    correction = made["largest_of_many"]
    pooled = find(correction, "above 0.8, all")
    assert stats.binomtest(8, 600, pooled.value / 100).pvalue > 0.01
    for units in map_scores.UNITS:
        found = find(correction, f" {units:,} ", "0.8")
        assert found.value == pytest.approx(100 * (1 - (1 - pooled.value / 100) ** units))
    rare, workshop = (find(correction, "1.2", words) for words in ("all", "networks"))
    assert rare.value < pooled.value and rare.value < workshop.value < 100


def test_small_batches_leave_bins_empty(made):
    correction = made["empty_bins"]
    for size, share in ((30, 71), (90, 38), (200, 11)):
        # Of single batches, whose shares have a standard deviation of about 2 %.
        assert find(correction, f"{size} walks: empty").value == pytest.approx(share, abs=4)
    few, many = (find(correction, f"{size} walks", "change") for size in (30, 200))
    assert few.value < many.value < 0.05


def test_means_of_a_lattice_in_bins():
    """Densely sampled, they are its rates; a bin without samples is NaN."""
    side = np.linspace(-1.0999, 1.0999, 880)
    place = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    found = map_scores.binned_means(place, 0.3, (0.0, 0.1))
    expected = map_scores.lattice_rates(map_scores.bin_centres(), map_scores.PERIOD, 0.3, (0, 0.1))
    np.testing.assert_allclose(found, expected, atol=0.1)
    one = map_scores.binned_means(np.array([[0.01, -1.09], [5.0, 5.0]]), 0.0, (0.0, 0.0))
    assert np.argwhere(np.isfinite(one)).tolist() == [[0, 22]]


def test_a_bootstrap_of_three_covers_three_quarters(made):
    """Between the lowest and the highest of three lies the median in 1 - 2 / 8 of cases."""
    correction = made["three_seeds"]
    assert find(correction, "normal", "bootstrap").value == pytest.approx(75, abs=3)
    exponential = 100 * (1 - np.exp(-3) - (1 - np.exp(-1)) ** 3)
    assert find(correction, "exponential", "bootstrap").value == pytest.approx(exponential, abs=4)
    assert find(correction, "normal", "Student").value == pytest.approx(95, abs=1.5)
    assert find(correction, "best").value == pytest.approx(
        np.random.default_rng(0).normal(size=(100000, 3)).max(1).mean(), abs=0.01
    )


def test_sharp_peaks_come_by_chance(made):
    """Expected number of such widths, which bounds the chance of one."""
    rate = len(talks.PEAK_WIDTHS) / 39
    has = 1 - (1 - rate) ** 3
    expected = 11 * has * (1 - has) ** 2
    peak = made["three_seeds"].numbers[-1]
    assert 0.5 < peak.value / 100 < min(1, expected)


def test_an_arc_tangent_loses_half_the_plane(made):
    correction = made["opposite_points"]
    codes, share, error, centre = (one.value for one in correction.numbers)
    assert codes == 0 and share == pytest.approx(50, abs=2)
    assert 82 < centre < 87.5 and error == pytest.approx(centre, rel=0.05)
    place = np.array([[0.3, 0.4], [-0.3, 0.4], [0.0, -0.5], [0.0, 0.0]])
    decoded = encodings.polar_decoded(*encodings.polar_code(place))
    expected = [[0.3, 0.4], [0.3, -0.4], [0.0, -0.5], [0.0, 0.0]]
    np.testing.assert_allclose(decoded, expected, atol=1e-12)
