"""What all targets have in common: the base class, and the registry that names them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Real
from typing import Any, ClassVar, NoReturn

import numpy as np
import torch
from torch import Tensor

from nofreelunch.trajectories import ARENA

PLACE_CELL_STREAM = 0  # second seed word: place cells, weights, minibatches ... never share draws

DEFAULTS: dict[str, Any] = {
    "place_cells": 256,
    "place_cell_width": 0.12,
    "surround": {"width_ratio": 2.0},
    "amplitude_ratio": "equal_area",
    "fields_per_cell": 1,
}

REGISTRY: dict[str, type[Target]] = {}


class Target:
    """Common part of all targets: parameters, shapes and array types.

    Attributes:
        spec: the target keys of the first (or only) network.
        cells: number of outputs; in a stack the largest of its networks'.
        cells_of: number of outputs of each network. The others of its row are padding: they are
            zero in a code and left out of losses and decoders.
        networks: size of the stack (1 for a single target).
    """

    name: ClassVar[str]
    cells: int

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in cls.__dict__:
            REGISTRY[cls.name] = cls

    def __init__(
        self, specs: Sequence[Mapping[str, Any]], seeds: Sequence[int], arena: float = ARENA
    ) -> None:
        used = [checked(spec) for spec in specs]
        self.spec = {"target": self.name, **used[0]}
        self.networks = len(specs)
        self.arena = arena
        drawn, cells_of = [], []
        for spec, seed in zip(used, seeds, strict=True):
            drawn.append(self._draw(spec, np.random.default_rng([seed, PLACE_CELL_STREAM])))
            cells_of.append(self.cells)
        self.cells, self.cells_of = max(cells_of), tuple(cells_of)
        real = np.arange(self.cells) < np.array(cells_of)[:, None, None]
        self._parameters = {k: torch.from_numpy(v) for k, v in _stacked(drawn).items()}
        self._parameters["real"] = torch.from_numpy(real)  # (network, 1, cell)
        self._prepare()

    @property
    def padded(self) -> bool:
        """Whether some network of the stack has fewer cells than the stack."""
        return min(self.cells_of) < self.cells

    def to(self, device: torch.device | str, dtype: torch.dtype) -> Target:
        """The same target with its parameters on `device` in floating type `dtype`."""
        device = torch.device(device)
        types = {(v.device, v.dtype) for v in self._parameters.values() if v.is_floating_point()}
        if types <= {(device, dtype)} and self._parameters["real"].device == device:
            return self
        moved = object.__new__(type(self))
        moved.__dict__.update(self.__dict__)
        moved._parameters = {
            k: v.to(device, dtype if v.is_floating_point() else v.dtype)
            for k, v in self._parameters.items()
        }
        moved._prepare()
        return moved

    def encode(self, position: np.ndarray | Tensor) -> np.ndarray | Tensor:
        """Activity of the cells at `position` (..., 2) in m: (..., cells).

        Numpy in, numpy float64 out; torch in, torch out on the same device in the same type. For a
        stack the first axis of `position` is the network.
        """
        return self._apply(position, self._encode, 2)

    def decode(self, output: np.ndarray | Tensor) -> np.ndarray | Tensor:
        """Position (..., 2) in m that an output (..., cells) stands for; types as `encode`."""
        return self._apply(output, self._decode, self.cells)

    def loss(self, output: Tensor, code: Tensor, weights: Tensor | None = None) -> Tensor:
        """Loss per network (network,) of outputs against target activity (network, ..., cells).

        The mean over samples, or their sum with `weights` (network, ...); where a weight is zero,
        the sample changes neither the loss nor its gradient.
        """
        cells = self._parameters["real"].sum(-1)
        return weighted((output - code).square().flatten(1, -2).sum(-1) / cells, weights)

    def _prepare(self) -> None:
        """Derive what a target needs besides its parameters, after they were drawn or moved."""

    def _apply(self, values, function, size: int):
        if not isinstance(values, Tensor):
            values = torch.from_numpy(np.array(values, dtype=np.float64))
            return self._apply(values, function, size).numpy()
        if values.shape[-1] != size:
            raise ValueError(f"last axis: found {values.shape[-1]}, allowed: {size}")
        owner = self.to(values.device, values.dtype)
        flat = values.reshape(self.networks, -1, values.shape[-1])
        if self.padded and size == self.cells:
            flat = flat * owner._parameters["real"]
        with _exact_products():
            result = function(owner._parameters, flat)
        if self.padded and result.shape[-1] == self.cells:
            result = result * owner._parameters["real"]
        return result.reshape(*values.shape[:-1], result.shape[-1])

    def _draw(self, spec: dict[str, Any], random: np.random.Generator) -> dict[str, np.ndarray]:
        raise ValueError(f"{type(self).__name__} draws no parameters")

    def _encode(self, p: dict[str, Tensor], x: Tensor) -> Tensor:
        raise ValueError(f"{type(self).__name__} has no encoding")

    def _decode(self, p: dict[str, Tensor], output: Tensor) -> Tensor:
        raise ValueError(f"{type(self).__name__} has no decoder")


@contextmanager
def _exact_products() -> Iterator[None]:
    """Products in full single precision even where a job's precision is TF32.

    Distances come from terms that cancel: rounded to ten bits, they would move place fields.
    """
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def checked(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of `DEFAULTS`, from `spec` where it has them; other keys of a network are ignored.

    Raises ValueError, one line, for a value with which a place cell makes no sense.
    """
    used = {k: spec[k] if spec.get(k) is not None else v for k, v in DEFAULTS.items()}
    surround, fields, ratio = used["surround"], used["fields_per_cell"], used["amplitude_ratio"]
    conventions = ("width_ratio", "variance_ratio")
    if (
        not isinstance(surround, Mapping)
        or len(surround) != 1
        or not set(surround) <= {*conventions}
    ):
        _refuse("surround", surround, f"a mapping with one of {', '.join(conventions)}")
    if not _lowest(*surround.values()) > 1:
        _refuse("surround", surround, "a ratio above 1")
    if not _lowest(used["place_cell_width"]) > 0:
        _refuse("place_cell_width", used["place_cell_width"], "a width above 0 m")
    if fields != 1 and not (isinstance(fields, Mapping) and fields.get("poisson", 0) > 0):
        _refuse("fields_per_cell", fields, "1 or {poisson: a number above 0}")
    if ratio != "equal_area" and not (isinstance(ratio, Real) and ratio > 0):
        _refuse("amplitude_ratio", ratio, "a number above 0 or equal_area")
    return used


def _lowest(value: Any) -> float:
    """A number, or the least that {uniform: [low, high]} can draw; NaN for anything else."""
    if isinstance(value, Mapping) and set(value) == {"uniform"}:
        value = min(value["uniform"])
    return float(value) if isinstance(value, Real) else float("nan")


def _refuse(key: str, found: Any, allowed: str) -> NoReturn:
    raise ValueError(f"{key}: found {found!r}, allowed: {allowed}")


def cell_count(spec: Mapping[str, Any], fewest: int) -> int:
    """The number of place cells; ValueError where fewer than `fewest`, which decode to nothing."""
    cells = int(spec["place_cells"])
    if cells < fewest:
        raise ValueError(f"place_cells: found {cells}, allowed: at least {fewest}")
    return cells


def weighted(losses: Tensor, weights: Tensor | None) -> Tensor:
    """Mean of losses (network, sample), or their sum with weights (network, ...): (network,)."""
    if weights is None:
        return losses.mean(1)
    weights = weights.flatten(1)
    return (losses.masked_fill(weights == 0, 0.0) * weights).sum(1)


def _stacked(drawn: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """One array per parameter with a leading network axis; fewer cells or fields are padded."""
    shapes = {k: np.max([d[k].shape for d in drawn], axis=0) for k in drawn[0]}
    return {k: np.stack([_padded(d[k], shape) for d in drawn]) for k, shape in shapes.items()}


def _padded(values: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Repeat the last cell or field up to `shape`; what is padded does not exist."""
    missing = [(0, more) for more in shape - values.shape]
    return np.pad(values, missing, mode="constant" if values.dtype == bool else "edge")
