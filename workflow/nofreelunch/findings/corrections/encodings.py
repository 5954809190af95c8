"""Corrections of encodings: what a target is, and how well its decoder can do."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from nofreelunch.errors import refused
from nofreelunch.findings import intervals, talks
from nofreelunch.findings.corrections.records import (
    SEED,
    STEPS,
    WIDTH,
    Correction,
    Number,
    listed,
    mean_of,
)
from nofreelunch.seeds import CORRECTIONS, generator
from nofreelunch.task.targets import build_target
from nofreelunch.task.trajectories import ARENA, random_walk
from nofreelunch.theory.formulas import HEXAGONAL, ring
from nofreelunch.theory.spectra import spectrum

CELLS = 512  # place cells of the talks
RATIO = 2.0  # "surround scale" of the talks' main target
FAR = 0.8  # m; beyond this the widest field drawn here is below 0.4 % of its peak
SIDE = 67  # positions along a side of the arena
CRITERION = 0.10  # m; the NeurIPS talk's limit on the position error


def surround_conventions(draws: int = 4) -> Correction:
    """Spectral peak and predicted period of one setting under both conventions of the surround.

    Args:
        draws: sets of place-cell centres, 2 or more.
    """
    numbers = []
    for convention, ratio in (("width", RATIO), ("variance", math.sqrt(RATIO))):
        surround = {f"{convention}_ratio": RATIO}
        found = [
            spectrum(_target("difference_of_softmaxes", seed, surround)) for seed in range(draws)
        ]
        wave = ring(WIDTH, ratio, ratio**2)
        name = f"ratio of {convention}s"
        numbers += [
            Number(f"{name}: width of the surround", 100 * WIDTH * ratio, "cm"),
            mean_of(
                f"{name}: peak of the spectrum",
                [float(one.peak_mode) for one in found],
                "cycles per box",
                f"{draws} draws of centres",
                2,
            ),
            Number(
                f"{name}: the same without walls",
                wave * ARENA / (2 * np.pi),
                "cycles per box",
                decimals=2,
            ),
            Number(f"{name}: predicted period", 100 * HEXAGONAL * 2 * np.pi / wave, "cm"),
        ]
    _, wide_peak, _, wide_period, _, narrow_peak, _, narrow_period = numbers
    return Correction(
        "Two surrounds under one name",
        f"The talks take a width of {100 * WIDTH:g} cm with a surround scale of {RATIO:g} for the "
        "ideal setting of earlier work.",
        f"Earlier programs multiply the variance by {RATIO:g}, the talks' program the width. These "
        f"are two targets: their spectra peak at {narrow_peak.text} and at {wide_peak.text}, and "
        f"they predict periods of {narrow_period.text} and {wide_period.text}.",
        "A study names the convention: `width_ratio` or `variance_ratio`.",
        tuple(numbers),
    )


def inverted_ring(draws: int = 4) -> Correction:
    """Activity of the equal-amplitude difference of Gaussians by distance from a cell's centre.

    Args:
        draws: sets of place-cell centres, 2 or more.
    """
    radius = ring_radius(WIDTH, RATIO)
    numbers = [
        Number(f"exp(−q) − exp(−Q) {name}", float(_difference(d)), "", decimals=2)
        for name, d in (("at the centre", 0.0), ("on the ring", radius), ("far away", math.inf))
    ]
    numbers.append(Number("radius of the ring", 100 * radius, "cm"))
    profiles = np.array([_by_distance(seed, radius) for seed in range(draws)])
    for target, name in enumerate(("equal amplitudes", "equal areas")):
        for index, place in enumerate(("at the centre", "on the ring", f"beyond {100 * FAR:g} cm")):
            label, values = f"target, {name}, {place}", profiles[:, target, index]
            numbers.append(mean_of(label, values, "× mean", f"{draws} draws of centres", 2))
    _, low, _, at, centre, on_ring, far, *_ = numbers
    return Correction(
        "The “true” difference of Gaussians is a ring of silence",
        "The talks take exp(−q) − exp(−Q) for the true difference of Gaussians, where q = d² / 2σ² "
        "at a distance d from the centre and Q = q / s².",
        f"At equal amplitudes it is nowhere above zero: zero at a cell's centre, {low.text} on a "
        f"ring of {at.text} around it, and zero far away. In the target a cell is about as active "
        f"far away as at its centre ({far.text} and {centre.text}), and least on the ring "
        f"({on_ring.text}).",
        "`general_difference_of_gaussians` has any ratio of amplitudes; with equal areas it has a "
        "centre and a surround.",
        tuple(numbers),
    )


def decoding_floor(
    widths: Sequence[float],
    ratios: Sequence[float],
    draws: int = 6,
    walks: int = 500,
) -> Correction:
    """Position error of the exact equal-amplitude difference of Gaussians, by the talks' decoder.

    Args:
        widths: place-cell widths, m.
        ratios: width of the surround over that of the field.
        draws: sets of place-cell centres, each with walks of its own, 2 or more.
        walks: number of walks, whose last positions are decoded.
    """
    settings = [(width, ratio) for width in widths for ratio in ratios]
    places = [_walked(walks, 5, draw)[:, -1] for draw in range(draws)]
    floors = [_floors("difference_of_gaussians", *setting, places) for setting in settings]
    basis = f"{draws} draws of centres"
    below = f"below {100 * CRITERION:g} cm"
    bounds = intervals.seed_interval(floors)
    # The interval goes from settings whose whole interval is below to those that reach below.
    passing, most, fewest = (100 * float(np.mean(bound < 100 * CRITERION)) for bound in bounds)
    exact = Number(f"settings with a floor {below}", passing, "%", basis, fewest, most)
    total, share, _ = talks.SHARES_BY_TARGET["difference_of_gaussians"]
    low, high = (100 * float(bound) for bound in intervals.wilson(round(share * total), total))
    label = f"trained networks {below}, NeurIPS talk"
    reported = Number(label, 100 * share, "%", f"{total:,} networks", low, high)
    numbers = [exact, reported]
    for (width, ratio), floor in zip(settings, floors, strict=True):
        if ratio in (ratios[0], ratios[-1]):
            label = f"floor at a width of {100 * width:g} cm and a ratio of {ratio:g}"
            numbers.append(mean_of(label, floor, "cm", basis))
    label = f"floor of the Gaussian target at a width of {100 * WIDTH:g} cm"
    numbers.append(mean_of(label, _floors("gaussian", WIDTH, RATIO, places), "cm", basis))
    return Correction(
        "Equal amplitudes: the errors are the decoder's",
        f"{reported.text} of the {total:,} networks with that target have a position error {below} "
        "(NeurIPS talk, slide 7), which reads as a failure to path-integrate.",
        "The decoder averages the three least active cells. These lie on the ring, not at the "
        f"animal's place, so even the exact target decodes to {below} in only "
        f"{round(passing * len(settings) / 100)} of the {len(settings)} settings "
        f"({exact.text}), about the share of the networks that pass. A trained network may do "
        "slightly better, because its outputs are not exactly the target.",
        "`ridge_error` is the position error of one decoder that is the same for all targets.",
        tuple(numbers),
    )


def differences_in_the_exponent(ratios: Sequence[float] = (1.5, 2.0, 3.0)) -> Correction:
    """Largest difference between the softmax of differences and a Gaussian of another width."""
    place = _grid()
    numbers = []
    for ratio in ratios:
        width = WIDTH * ratio / math.sqrt(ratio**2 - 1)
        gaussian = _target("gaussian", SEED, {"width_ratio": ratio}, width).encode(place)
        other = _target("softmax_of_differences", SEED, {"width_ratio": ratio}).encode(place)
        apart = float(np.abs(other - gaussian).max() / gaussian.max())
        numbers += [
            Number(f"ratio {ratio:g}: width of the Gaussian", 100 * width, "cm"),
            Number(
                f"ratio {ratio:g}: largest difference over largest activity", apart, "", decimals=10
            ),
        ]
    total = talks.SHARES_BY_TARGET["softmax_of_differences"][0]
    widths = dict(zip(ratios, numbers[::2], strict=True))
    return Correction(
        "The softmax of differences is a Gaussian",
        f"The NeurIPS talk has the softmax of differences as an encoding of its own ({total} "
        "networks).",
        "Exponents that differ by a factor add up to one exponent: it is exactly the softmax of a "
        f"Gaussian of width σ s / √(s² − 1). For σ = {100 * WIDTH:g} cm, widths are "
        f"{listed([number.text for number in widths.values()])} at ratios of "
        f"{listed([f'{ratio:g}' for ratio in ratios])}.",
        "It is trained as an encoding of its own, and predicts no lattice, as the Gaussian.",
        tuple(numbers),
    )


def opposite_points(draws: int = 8, walks: int = 500) -> Correction:
    """Position error of an exact polar code whose angle is atan(y / x).

    Args:
        draws: sets of walks, 2 or more.
        walks: number of walks in a set.
    """
    wrong, centre, opposite, gap = [], [], [], []
    for draw in range(draws):
        place = _walked(walks, 12, draw)
        away = np.linalg.norm(polar_decoded(*polar_code(place)) - place, axis=-1)
        wrong.append(100 * away.mean())
        opposite.append(100 * np.mean(away > 1e-9))
        centre.append(100 * np.linalg.norm(place, axis=-1).mean())
        gap.append(np.abs(np.subtract(polar_code(place), polar_code(-place))).max())
    basis = f"{draws} sets of {walks} walks"
    numbers = (
        Number(
            "largest difference between the codes of x and −x", float(max(gap)), "", decimals=10
        ),
        mean_of("positions that decode to the opposite point", opposite, "%", basis),
        mean_of("error of the exact code", wrong, "cm", basis),
        mean_of("error of always answering the box centre", centre, "cm", basis),
    )
    _, share, error, chance = numbers
    return Correction(
        "Polar coordinates that lose half the plane",
        "The polar target of the talks' program is the distance from the centre and atan(y / x).",
        "This angle is the same for opposite points, so a perfect network decodes "
        f"{share.text} of the positions to the opposite point. Its error is {error.text}, no "
        f"better than always answering the centre of the box ({chance.text}).",
        "`polar` has the angle atan2(y, x).",
        numbers,
    )


def ring_radius(width: float, ratio: float) -> float:
    """Radius (m) at which exp(-q) - exp(-Q) is lowest: 2 sigma s sqrt(ln s / (s^2 - 1)).

    Args:
        width: place-cell width sigma, m.
        ratio: s, the width of the surround over that of the field, above 1.
    """
    if not ratio > 1:
        raise refused("ratio", f"{ratio}", "a ratio above 1")
    return 2 * width * ratio * math.sqrt(math.log(ratio) / (ratio**2 - 1))


def polar_code(place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance (...) from the centre, m, and angle atan(y / x) (...), rad, of `place` (..., 2)."""
    x, y = place[..., 0], place[..., 1]
    # On the axis x = 0 the quotient is infinite, and its arc tangent is +-pi / 2.
    with np.errstate(divide="ignore", invalid="ignore"):
        angle = np.where((x == 0) & (y == 0), 0.0, np.arctan(y / x))
    return np.hypot(x, y), angle


def polar_decoded(radius: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Position (..., 2), m, of polar coordinates."""
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1)


def _target(name: str, seed: int, surround: dict[str, float], width: float = WIDTH):
    spec = {"place_cells": CELLS, "place_cell_width": width, "surround": surround}
    return build_target({"target": name, **spec}, seed)


def _grid() -> np.ndarray:
    """Positions (y, x, 2), m, on a regular grid over the arena."""
    side = np.linspace(-ARENA / 2, ARENA / 2, SIDE)
    return np.stack(np.meshgrid(side, side), axis=-1)


def _walked(walks: int, *stream: int) -> np.ndarray:
    """Positions on walks after each of `STEPS` steps: (walk, step, 2), m."""
    seed = int(generator(SEED, CORRECTIONS, *stream).integers(2**31))
    return random_walk(walks, STEPS, seed)["position"].values[:, 1:].astype(float)


def _floors(name: str, width: float, ratio: float, places: Sequence[np.ndarray]) -> list[float]:
    """Mean error (cm) of an exact target for each set of positions (sample, 2), m.

    Each set has centres of its own.
    """
    errors = []
    for seed, place in enumerate(places):
        target = _target(name, seed, {"width_ratio": ratio}, width)
        away = np.linalg.norm(target.decode(target.encode(place)) - place, axis=-1)
        errors.append(100 * float(away.mean()))
    return errors


def _difference(distance: float) -> float:
    q = distance**2 / (2 * WIDTH**2)
    return math.exp(-q) - math.exp(-q / RATIO**2)


def _by_distance(seed: int, radius: float) -> list[list[float]]:
    """Mean activity at a cell's centre, on the ring and far away, over the mean of all.

    The first list is of the difference of Gaussians of equal amplitudes, the second of equal areas.
    """
    place, surround = _grid().reshape(-1, 2), {"width_ratio": RATIO}
    # Cells of one seed have one set of centres, and a Gaussian cell is most active at its own.
    centre = place[_target("gaussian", seed, surround).encode(place).argmax(axis=0)]
    distance = np.hypot(*(place[:, None] - centre).transpose(2, 0, 1))
    step = ARENA / (SIDE - 1)
    where = (distance < step / 2, np.abs(distance - radius) < step / 2, distance > FAR)
    found = []
    for name in ("difference_of_gaussians", "general_difference_of_gaussians"):
        activity = _target(name, seed, surround).encode(place)
        found.append([float(activity[chosen].mean() / activity.mean()) for chosen in where])
    return found
