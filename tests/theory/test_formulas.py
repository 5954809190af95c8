"""The equations of place fields in the plane, against numerical transforms and known rings."""

import numpy as np
import pytest
from nofreelunch.theory import formulas
from scipy import integrate, optimize, special
from target_examples import COORDINATES, build, uniform

DOS, DOG = "difference_of_softmaxes", "difference_of_gaussians"
GENERAL, SOD = "general_difference_of_gaussians", "softmax_of_differences"


@pytest.mark.parametrize(
    ("ratio", "amplitude_ratio", "wavelength", "cycles"),
    [(2.0, 4.0, 0.784, 2.805), (np.sqrt(2.0), 2.0, 0.640, 3.435)],  # of widths, and of variances
)
def test_ring_at_equal_areas(ratio, amplitude_ratio, wavelength, cycles):
    found = formulas.ring(0.12, ratio, amplitude_ratio)
    assert 2 * np.pi / found == pytest.approx(wavelength, abs=5e-4)
    assert found * 2.2 / (2 * np.pi) == pytest.approx(cycles, abs=1e-3)


@pytest.mark.parametrize("width", [0.05, 0.12, 0.2])
def test_ring_of_twice_the_width(width):
    assert formulas.ring(width, 2, 4) * width == pytest.approx(0.9613, abs=1e-4)
    assert formulas.ring(width, 2, 1) * width == pytest.approx(np.sqrt(8 * np.log(2) / 3))


@pytest.mark.parametrize("amplitude_ratio", [1.0, 2.5, 4.0, 10.0])
@pytest.mark.parametrize("ratio", [1.9, 2.0, 3.0])
def test_ring_is_stationary(ratio, amplitude_ratio):
    """Against a numerical search of the transform for its highest point."""
    width = 0.12

    def transform(k):
        centre = amplitude_ratio * np.exp(-((width * k) ** 2) / 2)
        return centre - ratio**2 * np.exp(-((ratio * width * k) ** 2) / 2)

    best = optimize.minimize_scalar(lambda k: -transform(k), bounds=(0, 60), method="bounded")
    assert formulas.ring(width, ratio, amplitude_ratio) == pytest.approx(best.x, abs=1e-3)


def test_ring_ends_at_the_fourth_power():
    assert np.isnan(formulas.ring(0.12, 2.0, 16.0))
    assert formulas.ring(0.12, 2.0, 15.9) > 0


@pytest.mark.parametrize("amplitude_ratio", [1.0, 2.5, 4.0, np.inf])
def test_power_is_that_of_the_field(amplitude_ratio):
    """Against the transform of the field, as an integral over distance."""
    width, ratio = 0.12, 2.0

    def activity(r):
        surround = np.exp(-((r / (ratio * width)) ** 2) / 2) / amplitude_ratio
        return np.exp(-((r / width) ** 2) / 2) - surround

    for k in (0.0, 3.0, 8.0, 15.0):
        transform, _ = integrate.quad(lambda r, k=k: activity(r) * special.j0(k * r) * r, 0, 3)
        found = formulas.power(k, formulas.Field(width, ratio, amplitude_ratio))
        assert found == pytest.approx((transform / width**2) ** 2, abs=1e-9)


def test_equal_amplitudes_have_their_power_at_zero():
    field = formulas.Field(0.12, 2.0, 1.0)
    assert formulas.power(0.0, field) == pytest.approx(9)
    assert formulas.power(formulas.ring(*field), field) == pytest.approx(0.0886, abs=5e-5)


@pytest.mark.parametrize(
    ("name", "keys", "field"),
    [
        (DOS, {}, (0.12, 2.0, 4.0)),
        (DOS, {"convention": "variance_ratio"}, (0.12, np.sqrt(2), 2.0)),
        (DOG, {}, (0.12, 2.0, 1.0)),
        (GENERAL, {}, (0.12, 2.0, 4.0)),
        (GENERAL, {"amplitude_ratio": 3.0}, (0.12, 2.0, 3.0)),
        ("gaussian", {}, (0.12, 2.0, np.inf)),
        (SOD, {}, (0.12 * 2 / np.sqrt(3), 2.0, np.inf)),
        (DOS, {"width": uniform(0.1, 0.2)}, None),
        (DOS, {"ratio": uniform(1.5, 2.5)}, None),
        ("gaussian", {"fields_per_cell": {"poisson": 1}}, None),
        *((name, {}, None) for name in COORDINATES),
    ],
)
def test_field_of_a_target(name, keys, field):
    found = formulas.field_of(build(name, cells=8, **keys).spec)
    assert found is None if field is None else found == pytest.approx(field)
