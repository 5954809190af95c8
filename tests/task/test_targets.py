"""Targets: encodings against plain loops, draws, array types, stacks, losses."""

import math

import numpy as np
import pytest
import torch
from nofreelunch.task import place_cells, targets
from scipy import stats
from target_examples import (
    COORDINATES,
    DOG,
    DOS,
    GAUSSIAN,
    GENERAL,
    PLACE_CELLS,
    SEVERAL,
    SOD,
    build,
    fields,
    make,
    parameters,
    uniform,
)


def softmax(values):
    exponentials = [math.exp(v - max(values)) for v in values]
    return [e / sum(exponentials) for e in exponentials]


def normalised(difference):
    shifted = [d - min(difference) for d in difference]
    return [s / sum(shifted) for s in shifted]


def plain_code(name, p, position, alpha):
    """Activity of all cells at one position, one cell and one field at a time."""
    x, y = position
    radius, angle = math.hypot(x, y), math.atan2(y, x)
    if name == "cartesian":
        return [x, y]
    if name == "polar":
        return [radius, angle]
    if name == "high_dim_cartesian":
        weights, offset = p["projection"], p["offset"][0]
        return [x * weights[0, i] + y * weights[1, i] + o for i, o in enumerate(offset)]
    if name == "high_dim_polar":
        half = len(p["slope"][0]) // 2
        linear = zip(p["slope"][0, :half], p["offset"][0, :half], strict=True)
        tuned = [math.exp(math.cos(angle - mu)) for mu in p["preferred"][0, half:]]
        return [radius * slope + offset for slope, offset in linear] + tuned
    near, far, ratio = [], [], []
    for cell in range(len(p["width"])):
        of_cell = [
            (((x - c[0]) ** 2 + (y - c[1]) ** 2) / (2 * width**2), surround)
            for c, width, surround in fields(p, cell)
        ]
        q, surround = min(of_cell)
        near.append(q)
        far.append(q / surround)
        ratio.append(surround if alpha == "equal_area" else alpha)
    if name == GAUSSIAN:
        return softmax([-q for q in near])
    if name == SOD:
        return softmax([wide - q for q, wide in zip(near, far, strict=True)])
    if name == DOS:
        narrow, wide = softmax([-q for q in near]), softmax([-q for q in far])
        return normalised([a - b for a, b in zip(narrow, wide, strict=True)])
    amplitude = [1.0] * len(ratio) if name == DOG else ratio
    cells = zip(amplitude, near, far, strict=True)
    return normalised([a * math.exp(-q) - math.exp(-wide) for a, q, wide in cells])


@pytest.fixture(scope="module")
def positions():
    """All over the arena."""
    return np.random.default_rng(0).uniform(-1.1, 1.1, (3000, 2))


def test_there_are_nine_targets():
    assert set(targets.target_names()) == {*COORDINATES, *PLACE_CELLS}


REALISTIC = {
    "one field": {"width": 0.2, "ratio": 1.7},
    "variance ratio": {"width": 0.2, "ratio": 2.3, "convention": "variance_ratio"},
    "many widths": {"width": uniform(0.06, 0.5), "ratio": uniform(1.25, 4.5)},
    "many fields": {
        "width": uniform(0.06, 0.5),
        "ratio": uniform(1.25, 4.5),
        "fields_per_cell": SEVERAL,
    },
}


@pytest.mark.parametrize("realism", REALISTIC)
@pytest.mark.parametrize("name", targets.target_names())
def test_encoding_is_the_plain_loop(name, realism):
    for alpha in ("equal_area", 3.0):
        target = build(name, cells=12, amplitude_ratio=alpha, seed=4, **REALISTIC[realism])
        position = np.random.default_rng(0).uniform(-1.15, 1.15, (25, 2))
        p = parameters(target)
        expected = [plain_code(name, p, x, alpha) for x in position]
        # float64, of which the expanded square (x - c)^2 / 2 sigma^2 costs up to four digits.
        np.testing.assert_allclose(target.encode(position), expected, rtol=1e-9, atol=1e-12)


def test_variance_ratio_is_the_squared_width_ratio():
    position = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    by_width = build(DOS, 0.12, 1.5).encode(position)
    by_variance = build(DOS, 0.12, 2.25, convention="variance_ratio").encode(position)
    np.testing.assert_allclose(by_width, by_variance, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("name", PLACE_CELLS)
def test_codes_are_distributions(name, positions):
    for fields_per_cell in (1, SEVERAL):
        code = build(name, cells=64, fields_per_cell=fields_per_cell).encode(positions)
        np.testing.assert_allclose(code.sum(-1), 1, atol=1e-12)
        if name in (DOS, DOG, GENERAL):  # the shift makes the least active cell silent, exactly
            assert (code.min(-1) == 0).all()
        assert (code >= 0).all()


@pytest.mark.parametrize("ratio", [1.5, 2.0, 3.0])
def test_softmax_of_differences_is_a_wider_gaussian(ratio):
    position = np.random.default_rng(0).uniform(-1.1, 1.1, (200, 2))
    width = 0.12 * ratio / math.sqrt(ratio**2 - 1)
    wider = build(GAUSSIAN, width).encode(position)
    # The two are one function; 1e-10 leaves room for rounding in exponents of up to 1e3.
    np.testing.assert_allclose(build(SOD, 0.12, ratio).encode(position), wider, rtol=1e-10)


def test_equal_area_difference_is_like_difference_of_softmaxes(positions):
    """Most like it among ratios of amplitudes; softmaxes also follow the local density of cells."""

    def correlation(alpha):
        code = build(GENERAL, amplitude_ratio=alpha).encode(positions)
        return np.corrcoef(code.ravel(), reference.ravel())[0, 1]

    reference = build(DOS).encode(positions)
    equal = correlation("equal_area")
    assert equal > 0.95
    assert equal == correlation(4.0)  # the square of the ratio of widths
    assert equal > max(correlation(3.0), correlation(6.0)) + 0.01
    assert correlation(1.0) < 0.1


@pytest.mark.parametrize(
    ("ratio", "radius"),
    [(1.5, 1.709), (2, 1.923), (2.5, 2.089), (3, 2.223), (4, 2.432), (5, 2.590), (6, 2.715)],
)
def test_ring_of_the_equal_amplitude_difference(ratio, radius):
    """A cell is least active on a ring; radii in units of the width are known to three digits."""
    width = 0.05
    target = build(DOG, width, ratio, cells=8)
    centre = parameters(target)["centre"][0, 0]
    step = 1e-4 * width
    out = np.arange(0, 4 * width, step)
    # Normalisation mixes in the other cells, so the raw difference is read off two exact codes.
    code = target.encode(centre + np.stack([out, 0 * out], -1))
    raw = np.exp(-(out**2) / (2 * width**2)) - np.exp(-(out**2) / (2 * (ratio * width) ** 2))
    assert out[raw.argmin()] / width == pytest.approx(radius, abs=1e-3)
    assert (code[abs(out - radius * width) < step, 0] == 0).all()
    assert code[0, 0] == pytest.approx(code[0].max())


def test_widths_do_not_move_centres():
    reference = parameters(build(DOS, seed=7))["centre"]
    for target in (
        build(DOS, 0.2, 3.0, seed=7),
        build(GAUSSIAN, uniform(0.06, 0.18), seed=7),
        build(GENERAL, 0.1, convention="variance_ratio", seed=7),
    ):
        np.testing.assert_array_equal(parameters(target)["centre"], reference)
    several = parameters(build(DOS, fields_per_cell=SEVERAL, seed=7))["centre"]
    np.testing.assert_array_equal(several[:, :1], reference)
    assert not np.allclose(parameters(build(DOS, seed=8))["centre"], reference)


def test_centres_fill_the_arena():
    centre = parameters(targets.build_target(make(DOS, cells=5000), 0, arena=3.0))["centre"]
    for axis in range(2):
        assert stats.kstest(centre[:, 0, axis], stats.uniform(-1.5, 3.0).cdf).pvalue > 0.01


@pytest.mark.parametrize("periodic", [False, True])
def test_centres_on_a_raster_are_equally_far_apart_and_from_the_walls(periodic):
    spec = {"target": "gaussian", "place_cells": 25, "place_cell_centres": "raster"}
    target = targets.build_target(spec, seed=4, arena=2.0, periodic=periodic)
    centre = target._parameters["centre"][0, :, 0].numpy()  # the field itself, before its images
    along = [-0.8, -0.4, 0.0, 0.4, 0.8]
    np.testing.assert_allclose(centre, [[x, y] for y in along for x in along], atol=1e-12)
    np.testing.assert_array_equal(target.encode(centre).argmax(-1), np.arange(25))
    assert target.spec["place_cell_centres"] == "raster"
    assert "place_cell_centres" not in targets.build_target("gaussian", seed=4).spec


def test_uniform_widths_and_ratios():
    p = parameters(build(DOS, uniform(0.06, 0.18), uniform(1.5, 2.5), cells=5000))
    assert stats.kstest(p["width"].ravel(), stats.uniform(0.06, 0.12).cdf).pvalue > 0.01
    ratio = np.sqrt(p["surround"]).ravel()
    assert stats.kstest(ratio, stats.uniform(1.5, 1.0).cdf).pvalue > 0.01
    assert abs(stats.pearsonr(p["width"].ravel(), ratio).statistic) < 0.05


def test_field_counts_are_one_plus_poisson():
    p = parameters(build(DOS, uniform(0.06, 0.18), cells=4000, fields_per_cell={"poisson": 3}))
    counts = p["exists"].sum(1)
    assert counts.min() == 1
    # Mean and variance of a Poisson count are both 3, to 0.03 and 0.07 with 4000 cells.
    assert counts.mean() == pytest.approx(4, abs=0.1)
    assert counts.var() == pytest.approx(3, abs=0.25)
    assert len(np.unique(p["width"][p["exists"]])) == counts.sum()  # one per field, not per cell


def test_global_random_state_is_left_alone():
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    build(DOS, uniform(0.06, 0.18), fields_per_cell=SEVERAL).encode(np.zeros((3, 2)))
    np.testing.assert_array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[1])


@pytest.mark.parametrize("name", targets.target_names())
def test_array_types_and_shapes(name):
    target = build(name, cells=16, fields_per_cell=SEVERAL)
    position = np.random.default_rng(0).uniform(-1, 1, (2, 3, 5, 2)).astype("f4")
    code = target.encode(position)
    assert isinstance(code, np.ndarray) and code.dtype == np.float64
    assert code.shape == (2, 3, 5, target.cells)
    decoded = target.decode(code)
    assert decoded.dtype == np.float64 and decoded.shape == position.shape
    assert target.encode(position[0, 0, 0]).shape == (target.cells,)
    for dtype in (torch.float32, torch.float64):
        tensor = target.encode(torch.from_numpy(position).to(dtype))
        assert tensor.dtype == dtype and target.decode(tensor).dtype == dtype
        # Single precision: exponents of up to 500 are known to 3e-5.
        np.testing.assert_allclose(tensor, code, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", targets.target_names())
def test_inputs_are_read_only_and_results_are_new(name):
    target = build(name, cells=16)
    position = np.random.default_rng(0).uniform(-1, 1, (8, 2))[::-1]  # a view that runs backwards
    position.flags.writeable = False
    code = target.encode(position)
    assert not np.shares_memory(code, position)
    assert not np.shares_memory(target.decode(code), code)
    np.testing.assert_array_equal(code, target.encode(position.copy()))
    tensor = torch.from_numpy(position.copy())
    code, kept = target.encode(tensor), tensor.clone()
    target.decode(code)
    assert torch.equal(tensor, kept)


@pytest.mark.parametrize("sizes", [(12, 12, 12), (12, 8, 20)])
@pytest.mark.parametrize("name", targets.target_names())
def test_stack_is_its_networks(name, sizes):
    """Codes, positions, losses and gradients; zero for cells that a network does not have."""
    specs = [
        make(name, uniform(0.06, 0.2), 2.0, cells=sizes[0], fields_per_cell=SEVERAL),
        make(name, 0.1, uniform(1.5, 2.5), cells=sizes[1], fields_per_cell={"poisson": 4}),
        make(name, 0.2, 3.0, cells=sizes[2], fields_per_cell=1, amplitude_ratio=2.0),
    ]
    seeds = [3, 1, 2]
    stack = targets.build_targets(specs, seeds)
    random = np.random.default_rng(0)
    position = random.uniform(-1, 1, (3, 4, 5, 2))
    code = stack.encode(position)
    output, like = code + random.normal(size=code.shape), torch.from_numpy(code)
    for i, cells in enumerate(stack.cells_of):
        # A network's outputs are zero beyond its cells, whatever the loss makes of others.
        output[i, ..., cells:] = 5.0 if name in PLACE_CELLS else 0.0
    decoded, output = stack.decode(output), torch.from_numpy(output).requires_grad_()
    shares = torch.from_numpy(random.uniform(0, 1, (3, 4, 5)))
    losses = [stack.loss(output, like), stack.loss(output, like, shares)]
    gradients = [torch.autograd.grad(loss.sum(), output)[0] for loss in losses]
    for i, (spec, seed) in enumerate(zip(specs, seeds, strict=True)):
        alone = targets.build_target(spec, seed)
        own = np.s_[i, ..., : alone.cells]
        assert (code[i, ..., alone.cells :] == 0).all()
        # A batched product may sum in another order, so the last bits differ.
        np.testing.assert_allclose(code[own], alone.encode(position[i]), rtol=1e-9, atol=1e-13)
        given = output[own].detach().requires_grad_()
        np.testing.assert_allclose(decoded[i], alone.decode(given.detach()), atol=1e-12)
        for loss, gradient, of in zip(losses, gradients, (None, shares[i][None]), strict=True):
            expected = alone.loss(given[None], like[own][None], of)
            assert loss[i].item() == pytest.approx(expected.item())
            np.testing.assert_allclose(
                gradient[own], torch.autograd.grad(expected, given)[0], atol=1e-14
            )
            assert (gradient[i, ..., alone.cells :] == 0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", targets.target_names())
def test_a_sample_without_weight_changes_neither_loss_nor_gradient(name, dtype):
    stack = targets.build_targets([make(name, cells=12)] * 2, [0, 1])
    random = np.random.default_rng(0)
    code = stack.encode(torch.from_numpy(random.uniform(-1, 1, (2, 3, 5, 2))).to(dtype))
    output = torch.from_numpy(random.normal(size=code.shape)).to(dtype)
    shares = torch.full(code.shape[:-1], 0.1, dtype=dtype)
    shares[0, 1:, 2:] = 0
    found = []
    for _ in range(2):
        given = output.clone().requires_grad_()
        loss = stack.loss(given, code, shares)
        found.append((loss, *torch.autograd.grad(loss.sum(), given)))
        output[0, 1:, 2:], code[0, 1:, 2:] = 1e3, 0.5
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)
    assert (found[0][1][0, 1:, 2:] == 0).all() and (found[0][1][1] != 0).any()


def test_squared_losses_are_means_over_samples_and_cells():
    random = np.random.default_rng(0)
    output, code = (torch.from_numpy(random.normal(size=(2, 3, 5, 8))) for _ in range(2))
    specs = [make("high_dim_cartesian", cells=8)] * 2
    expected = ((output - code) ** 2).numpy().mean(axis=(1, 2, 3))
    np.testing.assert_allclose(targets.build_targets(specs, [0, 1]).loss(output, code), expected)


def test_polar_loss_is_the_squared_distance():
    random = np.random.default_rng(0)
    output, code = (torch.from_numpy(random.normal(size=(1, 30, 2))) for _ in range(2))
    target = build("polar")
    apart = target.decode(output) - target.decode(code)
    assert target.loss(output, code).item() == pytest.approx(apart.square().sum(-1).mean().item())


@pytest.mark.parametrize("name", PLACE_CELLS)
def test_cross_entropy_and_its_gradient(name):
    specs = [make(name, cells=24)] * 2
    stack = targets.build_targets(specs, [0, 1])
    random = np.random.default_rng(0)
    code = stack.encode(torch.from_numpy(random.uniform(-1, 1, (2, 3, 5, 2))))
    logits = torch.from_numpy(10 * random.normal(size=code.shape)).requires_grad_()
    loss = stack.loss(logits, code)
    weights = torch.tensor([1.0, 3.0], dtype=torch.float64)
    (gradient,) = torch.autograd.grad((weights * loss).sum(), logits)
    for i in range(2):
        alone = logits[i].detach().flatten(0, 1).requires_grad_()
        expected = torch.nn.functional.cross_entropy(alone, code[i].flatten(0, 1))
        assert loss[i].item() == pytest.approx(expected.item(), rel=1e-12)
        expected.backward()
        known = weights[i] * alone.grad.unflatten(0, (3, 5))
        np.testing.assert_allclose(gradient[i], known, atol=1e-14)


def test_exact_logits_reach_the_entropy(positions):
    target = build(GAUSSIAN, 0.3, cells=64)
    code = torch.from_numpy(target.encode(positions))[None]
    # exp is cut at exp(-80), far below what a mean of thousands of samples shows.
    found = target.loss(code.clamp_min(1e-300).log(), code).item()
    assert found == pytest.approx(stats.entropy(code[0], axis=-1).mean(), abs=1e-9)


def test_a_target_made_from_another_one_has_its_own_activity():
    """Its parent's kernel in C, which computes the parent's, is not inherited."""

    class Sharper(place_cells.Gaussian):
        def _activity(self, p, near, surround):
            return super()._activity(p, 4 * near, surround)

    position = np.random.default_rng(0).uniform(-1, 1, (1, 50, 2)).astype(np.float32)
    spec = {"place_cells": 32}
    plain, sharper = (
        kind([spec], [0]).to("cpu", torch.float32).encode(torch.from_numpy(position))
        for kind in (place_cells.Gaussian, Sharper)
    )
    assert sharper.amax(-1).mean() > plain.amax(-1).mean() + 0.05
