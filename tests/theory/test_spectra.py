"""Spectra of targets: the computation against plain loops, and known annuli and periods.

Known radial profiles are means over two or three draws of 512 place cells on 33 x 33 positions.
"""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from nofreelunch.task import targets
from nofreelunch.theory import formulas, spectra

DOS, DOG = "difference_of_softmaxes", "difference_of_gaussians"
GENERAL, SOD = "general_difference_of_gaussians", "softmax_of_differences"


def test_spectra_lie_beside_each_other_and_come_apart_again():
    built = [build(DOS, cells=32), build(DOS, width=0.2, cells=64)]
    together = spectra.spectra(built)
    assert together.sizes["target"] == 2
    for alone, again in zip(
        map(spectra.spectrum, built), spectra.split_spectra(together), strict=True
    ):
        xr.testing.assert_identical(alone, again)
    with pytest.raises(ValueError):  # their boxes, and so their shifts, are others
        spectra.spectra([built[0], targets.build_target(built[0].spec, 0, arena=3.3)])


def build(name, width=0.12, ratio=2.0, seed=0, convention="width_ratio", cells=512, **keys):
    surround = {convention: ratio}
    spec = {"target": name, "place_cells": cells, "place_cell_width": width, "surround": surround}
    return targets.build_target({**spec, **keys}, seed)


def uniform(low, high):
    return {"uniform": [low, high]}


@pytest.fixture(scope="module")
def dos():
    return build(DOS)


def test_covariance_is_the_mean_over_rolls():
    """Every shift of every map, multiplied and summed one by one."""
    resolution, target = 6, build(DOS, width=0.3, cells=5)
    result = spectra.spectrum(target, resolution)
    side = np.linspace(-1.1, 1.1, resolution)
    maps = np.array([[target.encode(np.array([x, y])) for x in side] for y in side])
    maps -= maps.mean(axis=(0, 1))
    lags = np.arange(resolution) - resolution // 2
    for i, dy in enumerate(lags):
        for j, dx in enumerate(lags):
            moved = np.roll(maps, (-dy, -dx), axis=(0, 1))
            expected = (maps * moved).sum() / resolution**2
            # Rounding only.
            assert result.covariance.values[i, j] == pytest.approx(expected, abs=1e-15)
    np.testing.assert_allclose(result.dy, lags * 2.2 / (resolution - 1))


def test_power_is_the_transform_of_the_covariance(dos):
    result = spectra.spectrum(dos, 15)
    transform = np.fft.fft2(np.fft.ifftshift(result.covariance), norm="forward")
    np.testing.assert_allclose(np.fft.fftshift(transform), result.power, atol=1e-15)
    assert result.power.sel(ky=0, kx=0) == 0
    assert result.power.sum() == pytest.approx(result.covariance.sel(dy=0, dx=0).item())
    np.testing.assert_allclose(result.power, result.power[::-1, ::-1], atol=1e-15)


def test_covariance_of_a_bounded_arena_is_the_mean_over_pairs_inside_it():
    resolution, target = 5, build(DOS, width=0.3, cells=4)
    result = spectra.spectrum(target, resolution, periodic=False)
    side = np.linspace(-1.1, 1.1, resolution)
    maps = target.encode(np.stack(np.meshgrid(side, side), -1))
    maps = maps - maps.mean(axis=(0, 1))
    products: dict[tuple[int, int], list[float]] = {}
    for y, x, v, u in np.ndindex(*(resolution,) * 4):
        products.setdefault((v - y, u - x), []).append(maps[y, x] @ maps[v, u])
    for (dy, dx), found in products.items():
        there = result.covariance.values[dy + resolution - 1, dx + resolution - 1]
        assert there == pytest.approx(np.mean(found), abs=1e-15)
    np.testing.assert_allclose(result.dy, np.linspace(-2.2, 2.2, 2 * resolution - 1))


def test_power_of_a_bounded_arena(dos):
    """The transform of the covariance times the share of positions that a shift keeps inside."""
    resolution = 9
    result = spectra.spectrum(dos, resolution, periodic=False)
    inside = 1 - np.abs(np.arange(-8, 9)) / resolution
    kept = result.covariance.values * np.outer(inside, inside)
    phase = np.exp(2j * np.pi * np.outer(result.kx, result.dx) / result.attrs["box"])
    transform = (phase @ kept @ phase.T).real / resolution**2
    np.testing.assert_allclose(transform, result.power, atol=1e-15)
    np.testing.assert_allclose(result.ky, np.arange(-8, 9) / 2)
    whole, joined = result.power[::2, ::2], spectra.spectrum(dos, resolution).power
    np.testing.assert_allclose(whole, joined, atol=1e-15)  # the waves that both have
    assert result.attrs["box"] == pytest.approx(2.2 * 9 / 8)


@pytest.mark.parametrize(("name", "radius"), [(DOS, 2.805), ("gaussian", 1), (DOG, 1)])
def test_annulus_of_a_bounded_arena(name, radius):
    result = spectra.spectrum(build(name), 33, periodic=False)
    assert result.peak_mode == pytest.approx(radius, abs=0.3)
    assert (result.annulus_contrast > 1) == (name == DOS)
    assert result.radius.min() == 0.5


def test_radial_power_is_the_mean_over_a_circle(dos):
    result = spectra.spectrum(dos, 15)
    circle = [(1, 2), (1, -2), (2, 1), (2, -1)]
    expected = np.mean([result.power.sel(ky=ky, kx=kx) for ky, kx in circle])
    assert result.radial_power.sel(radius=np.sqrt(5)) == pytest.approx(expected)
    assert result.radius.max() == 7
    assert result.annulus_contrast == pytest.approx(
        (result.radial_power.max() / result.radial_power.sel(radius=1)).item()
    )


def test_axes_are_y_then_x():
    """Stripes that vary along x alone have all their power at ky = 0."""
    stripes = SimpleNamespace(
        periodic=False,
        spec={"target": "cartesian"},
        networks=1,
        arena=2.2,
        encode=lambda position: np.sin(2 * np.pi * position[..., :1] / 0.5),
    )
    power = spectra.spectrum(stripes).power
    assert power.sel(ky=0).sum() == pytest.approx(power.sum().item())


def test_mean_over_cells_changes_nothing(dos):
    def centred(position):
        code = dos.encode(position)
        return code - code.mean(axis=-1, keepdims=True)

    other = SimpleNamespace(
        spec=dos.spec, networks=1, arena=dos.arena, periodic=False, encode=centred
    )
    expected, found = spectra.spectrum(dos, 15).power, spectra.spectrum(other, 15).power
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-18)


@pytest.mark.parametrize(
    ("name", "keys", "profile"),
    [
        (DOS, {}, {1: 0.16, 2: 0.33, 4: 0.68, 5: 0.82, 8: 1.0, 9: 0.997, 16: 0.69, 25: 0.31}),
        (DOS, {"convention": "variance_ratio"}, {1: 0.11, 4: 0.45, 13: 1.0, 20: 0.80, 25: 0.59}),
        (DOG, {}, {1: 1.0, 2: 0.60, 4: 0.19, 9: 0.02}),
        (DOG, {"width": 0.05}, {1: 1.0, 2: 0.91, 4: 0.75, 8: 0.51, 16: 0.22}),
        ("gaussian", {}, {1: 1.0, 4: 0.73, 8: 0.48, 16: 0.22}),
        (SOD, {}, {1: 1.0, 4: 0.66, 8: 0.38}),
    ],
)
def test_radial_profiles(name, keys, profile):
    results = [spectra.spectrum(build(name, seed=s, **keys), 33).radial_power for s in (0, 1)]
    power = sum(results) / sum(results).max()
    for squared, expected in profile.items():
        # Given to two figures; other draws of the place cells differ by up to 0.02.
        assert power.sel(radius=np.sqrt(squared)) == pytest.approx(expected, abs=0.025)


@pytest.mark.parametrize(
    ("name", "keys", "squared"),
    [
        (DOS, {}, (8,)),
        (DOS, {"convention": "variance_ratio"}, (13,)),
        (DOG, {}, (1,)),
        (DOG, {"width": 0.05}, (1,)),
        (DOG, {"ratio": 3.0}, (1,)),
        ("gaussian", {}, (1,)),
        (SOD, {}, (1,)),
        ("cartesian", {}, (1,)),
        ("high_dim_polar", {}, (1,)),
        (GENERAL, {"amplitude_ratio": 2.0}, (1,)),
        (GENERAL, {"amplitude_ratio": 2.5}, (13,)),
        (GENERAL, {"amplitude_ratio": 3.0}, (10,)),
        # Within 1 % of each other, so that the draw of the place cells decides.
        (GENERAL, {"amplitude_ratio": 3.57}, (8, 9, 10)),
        (GENERAL, {"amplitude_ratio": 4.0}, (8,)),
        (GENERAL, {"amplitude_ratio": "equal_area"}, (8,)),
        (GENERAL, {"amplitude_ratio": 6.0}, (5,)),
        (GENERAL, {"amplitude_ratio": 10.0}, (2,)),
        (DOS, {"width": uniform(0.10, 0.14), "ratio": uniform(1.9, 2.1)}, (8,)),
        (DOS, {"width": uniform(0.06, 0.18), "ratio": uniform(1.5, 2.5)}, (5,)),
        (DOS, {"width": uniform(0.06, 1.0), "ratio": uniform(1.25, 4.5)}, (1,)),
    ],
)
def test_annulus_radius(name, keys, squared):
    result = spectra.spectrum(build(name, **keys), 33)
    assert round(result.peak_mode.item() ** 2) in squared
    assert (result.annulus_contrast > 1) == (1 not in squared)
    assert np.isnan(result.predicted_period) == (1 in squared)


def test_softmax_of_differences_is_a_wider_gaussian():
    wider = build("gaussian", width=0.12 * 2 / np.sqrt(3))
    expected, found = spectra.spectrum(wider, 15).power, spectra.spectrum(build(SOD), 15).power
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-18)


@pytest.mark.parametrize(
    ("width", "period"),
    [
        (0.08, 0.604),
        (0.09, 0.679),
        (0.10, 0.755),
        (0.11, 0.830),
        (0.12, 0.906),
        (0.13, 0.981),
        (0.14, 1.057),
        (0.15, 1.132),
        (0.16, 1.207),
        (0.17, 1.283),
        (0.18, 1.358),
        (0.19, 1.434),
        (0.20, 1.509),
    ],
)
def test_predicted_period_grows_with_width(width, period):
    found = spectra.predicted_period(build(DOS, width=width, cells=256))
    assert isinstance(found, float)
    assert found == pytest.approx(period, abs=6e-4)


def test_predicted_period_of_a_ratio_of_variances():
    found = spectra.predicted_period(build(DOS, convention="variance_ratio"))
    assert found == pytest.approx(2 / np.sqrt(3) * 0.640, abs=6e-4)


def test_predicted_period_of_general_differences():
    equal_area = spectra.predicted_period(build(GENERAL))
    assert equal_area == pytest.approx(spectra.predicted_period(build(DOS)))
    assert equal_area == pytest.approx(
        spectra.predicted_period(build(GENERAL, amplitude_ratio=4.0))
    )
    longer = spectra.predicted_period(build(GENERAL, amplitude_ratio=6.0))
    assert longer == pytest.approx(2 / np.sqrt(3) * 2 * np.pi / formulas.ring(0.12, 2.0, 6.0))
    assert longer > equal_area


@pytest.mark.parametrize("name", ["cartesian", "high_dim_cartesian", "polar", "high_dim_polar"])
def test_coordinates_predict_no_period(name):
    assert np.isnan(spectra.predicted_period(targets.build_target(name, 0)))


@pytest.mark.parametrize("name", ["gaussian", SOD, DOG])
@pytest.mark.parametrize("width", [0.05, 0.12, 0.3])
def test_targets_without_annulus_predict_no_period(name, width):
    assert np.isnan(spectra.predicted_period(build(name, width=width, cells=256)))


@pytest.mark.parametrize("width", [0.08, 0.10, 0.12])
def test_spectrum_agrees_with_the_formula(width):
    """Widths that hardly vary: the spectrum is read, and finds the formula's period.

    Walls and the discreteness of the modes move it by up to 3 %, more where few waves fit.
    """
    varied = build(DOS, width=uniform(0.999 * width, 1.001 * width))
    formula = spectra.predicted_period(build(DOS, width=width))
    found = spectra.predicted_period(varied)
    assert found != formula
    assert found == pytest.approx(formula, rel=0.03)


def test_several_fields_keep_the_annulus():
    several = spectra.predicted_period(build(DOS, fields_per_cell={"poisson": 1}))
    assert several == pytest.approx(spectra.predicted_period(build(DOS)), rel=0.1)


def test_spectrum_can_be_saved(dos, tmp_path):
    result = spectra.spectrum(dos)
    result.to_netcdf(tmp_path / "spectrum.nc")
    assert json.loads(result.attrs["spec"])["target"] == DOS
    assert result.attrs["box"] == pytest.approx(2.2 * 55 / 54)


def test_bad_arguments(dos):
    with pytest.raises(ValueError, match=r"^resolution: found 4; allowed: a whole number >= 5$"):
        spectra.spectrum(dos, 4)
    with pytest.raises(ValueError, match=r"^target: found 'gaussian'; allowed: a target that"):
        spectra.spectrum("gaussian")
    stack = targets.build_targets([dos.spec] * 2, [0, 1])
    with pytest.raises(ValueError, match=r"^target: found a stack of 2; allowed: one target$"):
        spectra.spectrum(stack)


def test_a_target_with_joined_walls_is_read_once_around():
    """Its box is the arena, and its power that of the cells on the grid."""
    joined = targets.build_target("difference_of_softmaxes", seed=0, periodic=True)
    found = spectra.spectrum(joined)
    assert found.attrs["box"] == pytest.approx(2.2)
    assert found["peak_mode"] == pytest.approx(8**0.5)
    side = np.linspace(-1.1, 1.1, 55, endpoint=False)
    place = np.stack(np.meshgrid(side, side), -1)
    centred = joined.encode(place) - joined.encode(place).mean((0, 1))
    assert found["power"].sum().item() == pytest.approx((centred**2).mean((0, 1)).sum())
