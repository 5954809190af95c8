"""The base class of all targets, and the registry of their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Real
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from torch import Tensor

from nofreelunch.errors import refused, shown
from nofreelunch.seeds import PLACE_CELLS, generator
from nofreelunch.task.trajectories import ARENA, inside

Values = TypeVar("Values", np.ndarray, Tensor)  # a method returns the kind that it is given

DEFAULTS: dict[str, Any] = {
    "place_cells": 256,
    "place_cell_centres": "random",
    "place_cell_width": 0.12,
    "surround": {"width_ratio": 2.0},
    "amplitude_ratio": "equal_area",
    "fields_per_cell": 1,
}

REGISTRY: dict[str, type[Target]] = {}


class Target:
    """An encoding of position: turns positions into the activity of cells, and back.

    A target holds the parameters of one network, or of a stack of networks; arrays of a stack have
    a leading `network` axis. Each subclass states its facts as literals (see `task.catalogue`) and
    defines `_draw`, `_encode` and `_decode`, and `loss` unless it is the mean squared error.

    Attributes:
        spec: the target keys of the first (or only) network.
        cells: number of outputs; in a stack, the largest number of any network.
        cells_of: number of outputs of each network. The rest of its row is padding: zero in a
            code, and ignored by losses and decoders.
        networks: size of the stack (1 for a single target).
        arena: side of the arena, m.
        periodic: whether opposite walls of the arena are joined.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    short: ClassVar[str]
    colour: ClassVar[str]
    uses: ClassVar[tuple[str, ...]]
    centre_surround: ClassVar[float | str | None] = None
    even_cells: ClassVar[bool] = False
    joins_walls: ClassVar[bool] = False  # whether it has a form in a periodic arena
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
        if self.spec["place_cell_centres"] == "random":  # as in the specs of networks
            del self.spec["place_cell_centres"]
        self.networks = len(specs)
        self.arena, self.periodic = arena, bool(specs[0].get("periodic"))
        if self.periodic and not self.joins_walls:
            allowed = "a target that says `joins_walls`, as place cells do"
            raise refused("periodic", f"the target {self.name}", allowed)
        drawn, cells_of = [], []
        for spec, seed in zip(used, seeds, strict=True):
            drawn.append(self._draw(spec, generator(seed, PLACE_CELLS)))
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
        """The same target with its parameters on `device` and in floating type `dtype`."""
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

    def encode(self, position: Values) -> Values:
        """Activity (..., cells) of the cells at `position` (..., 2), in m.

        A numpy array gives a float64 array; a tensor gives a tensor of its own device and type. For
        a stack, the first axis of `position` is the network.
        """
        return self._apply(position, self._encode, 2)

    def decode(self, output: Values) -> Values:
        """Position (..., 2), in m, decoded from an output (..., cells); types as in `encode`."""
        return self._apply(output, self._decode, self.cells)

    def distance(self, one: Tensor, other: Tensor) -> Tensor:
        """Distance (...), m, of positions (..., 2); in a periodic arena the shortest one."""
        between = one - other
        return torch.linalg.vector_norm(
            inside(between, self.arena) if self.periodic else between, dim=-1
        )

    def loss(self, output: Tensor, code: Tensor, weights: Tensor | None = None) -> Tensor:
        """Loss (network,) of outputs for target activity `code`, both (network, ..., cells).

        The loss is the mean over samples, or their sum weighted by `weights` (network, ...). A
        sample of weight zero changes neither the loss nor its gradient.
        """
        cells = self._parameters["real"].sum(-1)
        return weighted((output - code).square().flatten(1, -2).sum(-1) / cells, weights)

    def loss_at(self, output: Tensor, position: Tensor, weights: Tensor) -> Tensor:
        """`loss` of outputs (network, ..., cells) for activity at `position` (network, ..., 2)."""
        return self.loss(output, self.encode(position), weights)

    def _prepare(self) -> None:
        """Derive what else a target needs each time its parameters are drawn or moved."""

    def _apply(self, values, function, size: int):
        if not isinstance(values, Tensor):
            values = torch.from_numpy(np.array(values, dtype=np.float64))
            return self._apply(values, function, size).numpy()
        if values.shape[-1] != size:
            raise refused("last axis", f"{values.shape[-1]}", f"{size}")
        owner = self.to(values.device, values.dtype)
        flat = values.reshape(self.networks, -1, values.shape[-1])
        if self.padded and size == self.cells:
            flat = flat * owner._parameters["real"]
        with exact_products():
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
def exact_products() -> Iterator[None]:
    """Matrix products in full single precision, even in a job that uses TF32.

    Distances are sums of large terms that cancel. Rounding these to TF32's ten bits would move
    place fields.
    """
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def checked(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The target keys of a spec; `DEFAULTS` fills those that are missing or None.

    Other keys of the spec are ignored. Raises ValueError, with one line, for a value that no place
    cell can have.
    """
    used = {k: spec[k] if spec.get(k) is not None else v for k, v in DEFAULTS.items()}
    surround, fields, ratio = used["surround"], used["fields_per_cell"], used["amplitude_ratio"]
    conventions = ("width_ratio", "variance_ratio")
    if (
        not isinstance(surround, Mapping)
        or len(surround) != 1
        or not set(surround) <= {*conventions}
    ):
        raise refused(
            "surround", shown(surround), f"a mapping with one of {', '.join(conventions)}"
        )
    if not _lowest(*surround.values()) > 1:
        raise refused("surround", shown(surround), "a ratio above 1")
    if not _lowest(used["place_cell_width"]) > 0:
        raise refused("place_cell_width", shown(used["place_cell_width"]), "a width above 0 m")
    if (centres := used["place_cell_centres"]) not in ("random", "raster"):
        raise refused("place_cell_centres", shown(centres), "random or raster")
    if fields != 1 and not (isinstance(fields, Mapping) and fields.get("poisson", 0) > 0):
        raise refused("fields_per_cell", shown(fields), "1 or {poisson: a number above 0}")
    if ratio != "equal_area" and not (isinstance(ratio, Real) and float(ratio) > 0):
        raise refused("amplitude_ratio", shown(ratio), "a number above 0 or equal_area")
    return used


def _lowest(value: Any) -> float:
    """The number itself, or the lower end of {uniform: [low, high]}; NaN for anything else."""
    if isinstance(value, Mapping) and set(value) == {"uniform"}:
        value = min(value["uniform"])
    return float(value) if isinstance(value, Real) else float("nan")


def cell_count(spec: Mapping[str, Any], fewest: int) -> int:
    """Number of place cells of a spec. Raises ValueError below `fewest`, the least that decode."""
    cells = int(spec["place_cells"])
    if cells != spec["place_cells"]:
        raise refused("place_cells", f"{spec['place_cells']}", "a whole number")
    if cells < fewest:
        raise refused("place_cells", f"{cells}", f"at least {fewest}")
    return cells


def weighted(losses: Tensor, weights: Tensor | None) -> Tensor:
    """Mean (network,) of losses (network, sample), or their sum with weights (network, ...)."""
    if weights is None:
        return losses.mean(1)
    weights = weights.flatten(1)
    return (losses.masked_fill(weights == 0, 0.0) * weights).sum(1)


def _stacked(drawn: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Parameters of several networks, stacked on a leading network axis and padded to one shape."""
    shapes = {k: np.max([d[k].shape for d in drawn], axis=0) for k in drawn[0]}
    return {k: np.stack([_padded(d[k], shape) for d in drawn]) for k, shape in shapes.items()}


def _padded(values: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Pad to `shape` with copies of the last cell or field; masks are padded with False."""
    missing = [(0, more) for more in shape - values.shape]
    return np.pad(values, missing, mode="constant" if values.dtype == bool else "edge")
