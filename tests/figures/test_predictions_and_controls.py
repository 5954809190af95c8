"""The figures of predictions and controls show what the claims say."""

import numpy as np
import pytest
import synthetic_summary
from figure_examples import draw
from nofreelunch.figures import controls, predictions
from nofreelunch.findings import comparisons, network_measures
from nofreelunch.findings.claims import about_theory


@pytest.fixture(scope="module")
def study():
    return synthetic_summary.make("controls"), synthetic_summary.theory("controls")


def test_the_area_of_the_curve_is_that_of_the_claim(study):
    claim = about_theory.rings_have_lattices(*study)
    curves = predictions.draw(*study, None).axes[2]
    for evidence, start in (
        (claim.second, "p ≤ 0.05"),
        (claim.first, "score > 0.8, less chance"),
    ):
        value, low, high = evidence.estimate[:3]
        label = f"{start}\narea {value:.2f} [{low:.2f}, {high:.2f}]"
        (line,) = [line for line in curves.get_lines() if line.get_label() == label]
        x, y = line.get_data()
        assert np.trapezoid(y, x) == pytest.approx(value)
        assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)


def test_every_network_with_a_ring_and_a_period_is_a_dot(study):
    periods = predictions.draw(*study, None).axes[0]
    _, dots, equal = periods.get_lines()
    claim = about_theory.periods_are_predicted(*study)
    assert claim.n == f"{dots.get_xdata().size} networks"
    np.testing.assert_array_equal(*equal.get_data())


def test_without_significant_units_no_period_is_claimed(study):
    summary = synthetic_summary.without_lattices(study[0])
    periods = predictions.draw(summary, study[1], None).axes[0]
    assert periods.get_lines()[1].get_xdata().size == 0
    assert "no network with\n3 significant units" in [t.get_text() for t in periods.texts]


def test_each_control_has_a_row_with_its_networks(study):
    figure = controls.draw(*study, None)
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert names[0] == "reference\n4 of 4 networks below 10 cm"
    assert names[1] == "untrained\n0 of 4 networks below 10 cm"
    assert len(names) == 7 and names[6].startswith("low-pass noise")
    notes = [text.get_text() for text in figure.axes[1].texts]
    assert sum(note.startswith("★ ") for note in notes) == 6


def test_each_reference_network_is_a_line_of_its_lesions(study):
    axes = controls.draw(*study, None).axes[2]
    error = study[0]["lesion_error"].transpose("lesion", "network").values
    drawn = np.stack([line.get_xdata() for line in axes.get_lines()], 1)
    np.testing.assert_allclose(drawn, 100 * error[:, np.isfinite(error).all(0)])
    assert [text.get_text() for text in axes.get_yticklabels()] == list(controls.LABELS)


def test_low_pass_noise_is_a_control(study):
    left, right, _ = controls.draw(*study, None).axes
    reference = comparisons.select(study[0])
    expected = (
        network_measures.chance_above(reference, 0.8, "phase"),
        reference["test_size"].sel(kind="phase").values,
    )
    for axes, shares in zip((left, right), expected, strict=True):
        lines = [line for line in axes.get_lines() if len(line.get_ydata()) == len(shares)]
        (dots,) = [line for line in lines if np.all(np.round(line.get_ydata()) == 6)]
        np.testing.assert_allclose(dots.get_xdata(), 100 * shares)


def test_patterns_stand_beside_the_networks_of_their_target(study):
    """Of each target, and of each width of the default one; in no panel without two widths."""
    summary, theory = study
    left, right = draw("patterns", (summary, theory, None)).axes[-2:]
    diamonds = [line for line in left.get_lines() if line.get_marker() == "D"]
    ring = [60 if name in ("Equal-\narea\nDoG", "DoS") else 0 for name in names_of(left)]
    assert [line.get_ydata().item() for line in diamonds] == ring
    [line] = [line for line in right.get_lines() if line.get_marker() == "D"]
    np.testing.assert_allclose(line.get_data(), ([0.08, 0.12, 0.15, 0.2], [60] * 4))
    one = summary.isel(network=np.flatnonzero(~summary["place_cell_width"].isin([0.08, 0.15, 0.2])))
    right = draw("patterns", (one, theory, None)).axes[-1]
    assert not right.get_lines() and right.texts[0].get_text().endswith("found 1")


def names_of(axes) -> list[str]:
    return [text.get_text() for text in axes.get_xticklabels()]
