"""Sizes of the Tolman-Eichenbaum Machine: which cells belong together, and its initial weights."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nofreelunch import seeds

PRIOR = 0.5  # standard deviation of g at the start of an environment, as drawn
FROM_ACTION, FROM_SYMBOL = 20, 20  # hidden units of the transition, and of the read-out per input
SMOOTHING = (0.01, 0.7, 0.91, 0.97, 0.99)  # share of the past that each module keeps, as drawn
ACTIONS = {"square": 4, "triangular": 6}  # that move


@dataclass(frozen=True)
class Sizes:
    """Sizes of a network.

    Attributes:
        modules: cells g of each module, from the highest frequency to the lowest.
        phases: how many of each module's cells project to p.
        symbols: number of symbols.
        actions: number of actions that move; one more stays.
    """

    modules: tuple[int, ...]
    phases: tuple[int, ...]
    symbols: int
    actions: int

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> Sizes:
        """The sizes that a spec asks for."""
        modules, phases = tuple(spec["modules"]), tuple(spec["phases"])
        return cls(modules, phases, spec["symbols"], ACTIONS[spec["graph"]])

    @property
    def grid(self) -> int:
        """Cells g of all modules."""
        return sum(self.modules)

    @property
    def code(self) -> int:
        """Length of the compressed symbol: the least with a pair of places for each symbol."""
        return next(n for n in itertools.count(2) if math.comb(n, 2) >= self.symbols)

    @property
    def place(self) -> int:
        """Cells p: one for each projecting cell g and each place of the compressed symbol."""
        return sum(self.phases) * self.code

    @property
    def blocks(self) -> list[slice]:
        """The cells p of each module."""
        ends = np.cumsum([0, *self.phases]) * self.code
        return [slice(int(first), int(end)) for first, end in itertools.pairwise(ends)]


@dataclass(frozen=True)
class Fixed:
    """Constant matrices of a network: which cells belong together.

    Attributes:
        codes: compressed symbols, two ones each, (symbol, place).
        project: from g to the cells p of its projecting cells, (cell, place cell).
        tile: from the cue of each module to its cells p, (module and place, place cell).
        phases: from p to the mean over the places of each projecting cell, (place cell, phase).
        first: from p to the sum over the phases of the first module, (place cell, place).
        members: from g to the sum over each module, (cell, module).
        within: connections g to g within modules, (cell, 1, cell).
        masks: which weights of layers stay within modules, by name.
    """

    codes: Tensor
    project: Tensor
    tile: Tensor
    phases: Tensor
    first: Tensor
    members: Tensor
    within: Tensor
    masks: Mapping[str, Tensor]

    @classmethod
    def of(cls, size: Sizes, device: torch.device) -> Fixed:
        """The matrices for these sizes."""
        modules, code = np.arange(len(size.modules)), size.code
        pairs = list(itertools.combinations(range(code), 2))[: size.symbols]
        of_grid, of_phase = np.repeat(modules, size.modules), np.repeat(modules, size.phases)
        starts = np.cumsum([0, *size.modules[:-1]])
        projecting = np.concatenate(
            [s + np.arange(n) for s, n in zip(starts, size.phases, strict=True)]
        )
        phase, of_place = np.repeat(np.arange(of_phase.size), code), np.repeat(of_phase, code)
        place = np.tile(np.arange(code), of_phase.size)
        hidden = np.repeat(modules, 2 * np.array(size.modules))
        facts = np.append(modules, -1)  # the error of the symbol is told to all modules
        tensors = {
            "codes": np.eye(code)[pairs].sum(1),
            "project": np.arange(size.grid)[:, None] == projecting[phase],
            "tile": np.arange(modules.size * code)[:, None] == of_place * code + place,
            "phases": (phase[:, None] == np.arange(of_phase.size)) / code,
            "first": (of_place == 0)[:, None] & (place[:, None] == np.arange(code)),
            "members": of_grid[:, None] == modules,
            "within": (of_grid[:, None] == of_grid)[:, None],
        }
        made = {k: torch.from_numpy(v).float().to(device) for k, v in tensors.items()}
        layers = {
            "path_hidden": (of_grid, hidden),
            "path_spread": (hidden, of_grid),
            "memory_hidden": (of_phase, hidden),
            "memory_grid": (hidden, of_grid),
            "trust_hidden": (facts, hidden),
            "trust_spread": (hidden, of_grid),
        }
        masks = {
            name: torch.from_numpy((rows[:, None] == columns) | (rows[:, None] < 0))
            .float()
            .to(device)
            for name, (rows, columns) in layers.items()
        }
        return cls(**made, masks=masks)


def weight_shapes(size: Sizes) -> dict[str, tuple[int, int]]:
    """Shape (inputs, outputs) of every weight of one network by name, in the order of drawing."""
    modules, grid, code = len(size.modules), size.grid, size.code
    layers = {
        "path_hidden": (grid, 2 * grid),
        "path_spread": (2 * grid, grid),
        "memory_hidden": (sum(size.phases), 2 * grid),
        "memory_grid": (2 * grid, grid),
        "trust_hidden": (modules + 1, 2 * grid),
        "trust_spread": (2 * grid, grid),
        "read_hidden": (code, FROM_SYMBOL * code),
        "read_out": (FROM_SYMBOL * code, size.symbols),
    }
    shapes = {
        "prior": (1, grid),
        "action": (size.actions, FROM_ACTION),
        "transition": (FROM_ACTION, grid**2),
        "smoothing": (1, modules),
        "gain": (1, modules),
        "read_scale": (1, 1),
        "read_shift": (1, code),
    }
    for name, shape in layers.items():
        shapes |= {name: shape, f"{name}_bias": (1, shape[1])}
    return shapes


def initialize(specs: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
    """Initial weights (network, inputs, outputs), each network's drawn from its own seed.

    The transition is zero, so that g stays as it is whatever the action. Layers have Glorot's
    uniform weights, and biases of zero.
    """
    drawn = [_draw(spec) for spec in specs]
    return {k: torch.from_numpy(np.stack([d[k] for d in drawn])).float() for k in drawn[0]}


def _draw(spec: Mapping[str, Any]) -> dict[str, np.ndarray]:
    size, random = Sizes.of(spec), seeds.generator(spec["seed"], seeds.WEIGHTS)
    weights = {}
    for name, shape in weight_shapes(size).items():
        limit = (6 / sum(shape)) ** 0.5
        weights[name] = np.zeros(shape) if shape[0] == 1 else random.uniform(-limit, limit, shape)
    weights["transition"] = np.zeros_like(weights["transition"])
    weights["prior"] = random.normal(0, PRIOR, weights["prior"].shape)
    keep = np.array(SMOOTHING[: len(size.modules)])
    weights["smoothing"] = np.log(keep / (1 - keep))[None]
    weights["read_scale"] += 1.0
    return weights
