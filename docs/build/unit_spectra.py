"""How the spectrum of a network's units changes in training: a part of docs/periods.md."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from nofreelunch.evaluation.rate_maps import BinnedActivity, activities, decoding_errors
from nofreelunch.figures import style
from nofreelunch.task.arena import bin_count
from nofreelunch.task.place_cells import DifferenceOfSoftmaxes
from nofreelunch.task.target import Target
from nofreelunch.task.targets import build_target
from nofreelunch.task.trajectories import ARENA, inside, random_walk
from nofreelunch.theory.spectra import vertex
from nofreelunch.training.loop import TrainingStack
from nofreelunch.training.minibatches import Pool
from scipy import fft


class SquaredError(DifferenceOfSoftmaxes):
    """The difference of softmaxes, less its mean over cells, learnt by its squared error."""

    def _activity(self, p, near, surround):
        return (super()._activity(p, near, surround) * self.cells).sub_(1)

    loss = Target.loss


STEPS = (0, 75, 150, 300, 600, 1200, 2400)
SEEDS = (10, 11, 12, 13)
BIN = 0.1  # m
PADDED = 4  # times the side of a map; the spectrum is read between modes
LONGEST = 1.5  # cycles per box; waves as long as the box are below
RADII = np.arange(0.5, 6.01, 0.25)  # cycles per box
REFERENCE: dict[str, Any] = {
    "target": "difference_of_softmaxes",
    "place_cells": 256,
    "place_cell_width": 0.12,
    "surround": {"width_ratio": 2.0},
    "amplitude_ratio": None,
    "fields_per_cell": 1,
    "cell": "rnn",
    "activation": "relu",
    "units": 128,
    "initializer": "torch_default",
    "encoder_scale": 256.0,
    "dropout": {"readout": 0.0, "recurrent": 0.0},
    "optimizer": "adam",
    "learning_rate": 0.004,
    "schedule": "warmup_cosine",
    "weight_decay": 1e-4,
    "batch_size": 100,
    "sequence_length": 20,
    "loss_steps": 4,
    "steps": STEPS[-1],
}
CONDITIONS: dict[str, dict[str, Any]] = {
    "as in the study laptop": {},
    "periodic arena": {"periodic": True},
    "linear units": {"activation": "linear"},
    "squared error": {"encoder_scale": 1.0},  # its code is scaled
}
# Of targets that are not what their name says.
KINDS = {"squared error": SquaredError}


class Trained(NamedTuple):
    """What is measured of the networks of one condition, after each number of training steps.

    `power` (step, network, radius) is the mean power of the units' maps, `error` (step, network)
    the position error, m. `target` (network, radius) is the power of the place cells' maps.
    """

    power: np.ndarray
    error: np.ndarray
    target: np.ndarray

    @property
    def rings(self) -> np.ndarray:
        """Wavelength of the units' ring over that of the target's, (step, network)."""
        return np.apply_along_axis(ring, -1, self.target) / np.apply_along_axis(
            ring, -1, self.power
        )

    @property
    def longest(self) -> np.ndarray:
        """Share (step, network) of the power that is in waves as long as the box."""
        weight = self.power * RADII  # rings are the longer the wider they are
        return weight[..., RADII < LONGEST].sum(-1) / weight.sum(-1)


def radial_power(maps: np.ndarray) -> np.ndarray:
    """Mean power (radius) of maps (unit, y, x) at `RADII`."""
    side = PADDED * maps.shape[1]
    centred = maps - maps.mean(axis=(1, 2), keepdims=True)
    power = np.square(np.abs(fft.fft2(centred, s=(side, side)))).mean(axis=0)
    modes = fft.fftfreq(side, 1 / side) / PADDED
    radius = np.hypot(modes, modes[:, np.newaxis])
    return np.array([power[abs(radius - centre) <= 0.25].mean() for centre in RADII])


def ring(power: np.ndarray) -> float:
    """Radius, cycles per box, of the highest peak beyond the longest waves; NaN without one."""
    beyond = RADII >= LONGEST
    peak = np.flatnonzero(beyond)[power[beyond].argmax()]
    if not power[peak - 1] < power[peak] > power[peak + 1]:
        return np.nan
    near = slice(peak - 1, peak + 2)
    return vertex(RADII[near], power[near])


def train(name: str) -> Trained:
    """Train the networks of one condition, and measure their units on the way."""
    keys = CONDITIONS[name]
    specs = [REFERENCE | keys | {"seed": seed} for seed in SEEDS]
    periodic = bool(keys.get("periodic"))
    pool = random_walk(20_000, 20, seed=0, periodic=periodic)
    walks = random_walk(2_000, 20, seed=1, periodic=periodic)["position"]
    where = torch.device("cpu")
    stack = TrainingStack(range(len(specs)), specs, Pool(pool, specs, where), "float32")
    stack.target.__class__ = KINDS.get(name, type(stack.target))
    power, error = [], []
    for step in range(STEPS[-1] + 1):
        if step:
            stack.advance(step - 1)
        if step in STEPS:
            maps, errors = measure(stack, walks)
            power.append([radial_power(of_network) for of_network in maps])
            error.append(errors)
    return Trained(np.array(power), np.array(error), np.array([_of_target(s) for s in specs]))


def measure(stack: TrainingStack, walks: Any) -> tuple[np.ndarray, np.ndarray]:
    """Rate maps (network, unit, y, x) on some walks, and position errors (network,), m."""
    units = stack.specs[0]["units"]
    maps, errors = BinnedActivity(len(stack.specs), units, bin_count(ARENA, BIN), ARENA), []
    with torch.no_grad():
        for _, path, activity in activities(stack.networks, stack.target, walks):
            maps.add(inside(path, ARENA) if stack.target.periodic else path, activity)
            errors.append(decoding_errors(stack.networks, stack.target, path, activity))
    return maps.mean(), torch.cat(errors, -1).mean((1, 2)).numpy()


def _of_target(spec: Mapping[str, Any]) -> np.ndarray:
    """Power of the maps of the place cells that a network learns."""
    keys = ("place_cells", "place_cell_width", "surround", "fields_per_cell")
    target = {"target": "difference_of_softmaxes", **{key: spec[key] for key in keys}}
    built = build_target(target, spec["seed"], periodic=bool(spec.get("periodic")))
    side = np.arange(BIN / 2, ARENA, BIN) - ARENA / 2
    return radial_power(np.moveaxis(built.encode(np.stack(np.meshgrid(side, side), -1)), -1, 0))


@style.styled
def draw(found: Mapping[str, Trained]) -> Figure:
    """Spectra of the reference's units in training, and the ring of every condition."""
    figure = style.figure(height=70)
    left, right = figure.subplots(1, 2)
    first = next(iter(found.values()))
    shades = np.linspace(0.8, 0.0, len(STEPS))
    for step, shade, power in zip(STEPS, shades, first.power.mean(1), strict=True):
        label = _after(step)
        left.plot(RADII, power / power.max(), color=str(shade), label=label)
    goal = first.target.mean(0)
    left.plot(RADII, goal / goal.max(), "--", color=style.colour(REFERENCE["target"]))
    left.set_xlabel("spatial frequency (cycles per box)")
    left.set_ylabel("power / largest")
    left.set_title("Spectrum of the units")
    left.legend()
    for name, one in found.items():
        columns, means = range(len(STEPS)), np.nanmean(one.rings, 1)
        (line,) = right.plot(columns, means, marker="o", markersize=3, label=name)
        right.plot(columns, one.rings, ".", color=line.get_color(), markersize=2)
    right.axhline(1, color=style.CHANCE, linewidth=0.8)
    right.set_xticks(range(len(STEPS)), [f"{step:,}" for step in STEPS])
    right.set_ylim(0.75, None)  # room for the legend
    right.set_xlabel("training steps")
    right.set_ylabel("wavelength of the ring: units / target")
    right.set_title("Ring of the units")
    right.legend(loc="lower right")
    return figure


def table(found: Mapping[str, Trained]) -> str:
    """A row for each condition: the ring after each number of steps, and how well it has learnt."""
    heads = ["", *map(_after, STEPS), "longest waves", "position error"]
    rows = [heads, ["---"] * len(heads)]
    for name, one in found.items():
        cells = [_range(of_step) for of_step in one.rings]
        share = " to ".join(f"{100 * one.longest[k].mean():.0f}" for k in (0, -1))
        rows.append([name, *cells, f"{share} %", f"{100 * one.error[-1].mean():.1f} cm"])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _after(step: int) -> str:
    return f"{step:,} steps" if step else "as drawn"


def _range(ratios: np.ndarray) -> str:
    """The mean of the networks that have a ring, with their range; how many, if not all."""
    known = ratios[np.isfinite(ratios)]
    if not known.size:
        return "no ring"
    text = f"{known.mean():.2f} [{known.min():.2f}, {known.max():.2f}]"
    return text if known.size == ratios.size else f"{text} ({known.size} of {ratios.size})"
