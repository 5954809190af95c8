"""Targets: the encodings of position that a network is trained to report.

A `Target` turns positions into the activity of its cells and back. It holds the parameters of one
network, or of a stack of networks whose arrays then carry a leading `network` axis. Equations are
those of Schaeffer, Khona & Fiete (2022) and of Sorscher et al. (2019) before them; names say what
an equation is: the "difference of Gaussians" of those programs is a difference of softmaxes.

With a position x and a place cell i whose nearest field has centre c_i, width sigma_i and surround
s_i sigma_i:  q_i = |x - c_i|^2 / (2 sigma_i^2)  and  Q_i = q_i / s_i^2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from nofreelunch.trajectories import ARENA

PLACE_CELL_STREAM = 0  # second seed word: place cells, weights, minibatches ... never share draws
DECODED_CELLS = 3  # the published decoder averages the centres of three cells

DEFAULTS: dict[str, Any] = {
    "place_cells": 256,
    "place_cell_width": 0.12,
    "surround": {"width_ratio": 2.0},
    "amplitude_ratio": "equal_area",
    "fields_per_cell": 1,
}

_REGISTRY: dict[str, type[Target]] = {}


def names() -> tuple[str, ...]:
    """Names of all targets, in the order in which they are defined."""
    return tuple(_REGISTRY)


def build(target: str | Mapping[str, Any], seed: int, arena: float = ARENA) -> Target:
    """The target of one network.

    Args:
        target: a name, or the target keys of a network's spec (`target`, `place_cells`,
            `place_cell_width` in m, `surround`, `amplitude_ratio`, `fields_per_cell`; what is
            missing or None takes `DEFAULTS`).
        seed: the network's seed; it draws field centres, widths and projections.
        arena: side of the square arena, m.

    Raises:
        ValueError: for a name that is not in `names()`, or too few place cells for the target.
    """
    spec = {"target": target} if isinstance(target, str) else dict(target)
    return _kind(spec.get("target"))([spec], [seed], arena)


def build_stack(
    specs: Sequence[Mapping[str, Any]], seeds: Sequence[int], arena: float = ARENA
) -> Target:
    """The targets of several networks of one kind, as one `Target` with a leading network axis."""
    kinds = {spec["target"] for spec in specs}
    if len(kinds) != 1:
        raise ValueError(f"target: a stack holds one kind of target, found {sorted(kinds)}")
    return _kind(kinds.pop())(specs, seeds, arena)


def _kind(name: Any) -> type[Target]:
    if name not in _REGISTRY:
        raise ValueError(f"target: found {name!r}, allowed: {', '.join(names())}")
    return _REGISTRY[name]


class Target:
    """Common part of all targets: parameters, shapes and array types.

    Attributes:
        spec: the target keys of the first (or only) network.
        cells: number of outputs.
        networks: size of the stack (1 for a single target).
    """

    name: ClassVar[str]
    cells: int

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in cls.__dict__:
            _REGISTRY[cls.name] = cls

    def __init__(
        self, specs: Sequence[Mapping[str, Any]], seeds: Sequence[int], arena: float = ARENA
    ) -> None:
        used = [
            {k: s.get(k) if s.get(k) is not None else v for k, v in DEFAULTS.items()} for s in specs
        ]
        self.spec = {"target": self.name, **used[0]}
        self.networks = len(specs)
        self.arena = arena
        drawn = [
            self._draw(spec, np.random.default_rng([seed, PLACE_CELL_STREAM]))
            for spec, seed in zip(used, seeds, strict=True)
        ]
        self._parameters = {k: torch.from_numpy(v) for k, v in _stacked(drawn).items()}

    def to(self, device: torch.device | str, dtype: torch.dtype) -> Target:
        """The same target with its parameters on `device` in floating type `dtype`."""
        moved = object.__new__(type(self))
        moved.__dict__.update(self.__dict__)
        moved._parameters = {
            k: v.to(device, dtype if v.is_floating_point() else v.dtype)
            for k, v in self._parameters.items()
        }
        return moved

    def encode(self, position: np.ndarray | Tensor) -> np.ndarray | Tensor:
        """Activity of the cells at `position` (..., 2) in m: (..., cells).

        Numpy in, numpy float64 out; torch in, torch out on the same device in the same type. For a
        stack the first axis of `position` is the network.
        """
        return self._apply(position, self._encode)

    def decode(self, output: np.ndarray | Tensor) -> np.ndarray | Tensor:
        """Position (..., 2) in m that an output (..., cells) stands for; types as `encode`."""
        return self._apply(output, self._decode)

    def loss(self, output: Tensor, code: Tensor) -> Tensor:
        """Loss per network (network,) of outputs against target activity (network, ..., cells)."""
        return (output - code).square().flatten(1).mean(1)

    def _apply(self, values, function):
        if not isinstance(values, Tensor):
            values = torch.from_numpy(np.array(values, dtype=np.float64))
            return self._apply(values, function).numpy()
        owner = self.to(values.device, values.dtype)
        flat = values.reshape(self.networks, -1, values.shape[-1])
        result = function(owner._parameters, flat)
        return result.reshape(*values.shape[:-1], result.shape[-1])

    def _draw(self, spec: dict[str, Any], random: np.random.Generator) -> dict[str, np.ndarray]:
        raise ValueError(f"{type(self).__name__} draws no parameters")

    def _encode(self, p: dict[str, Tensor], x: Tensor) -> Tensor:
        raise ValueError(f"{type(self).__name__} has no encoding")

    def _decode(self, p: dict[str, Tensor], output: Tensor) -> Tensor:
        raise ValueError(f"{type(self).__name__} has no decoder")


class Cartesian(Target):
    """The two coordinates themselves; mean squared error; exact decoder."""

    name = "cartesian"
    cells = 2

    def _draw(self, spec, random):
        return {}

    def _encode(self, p, x):
        return x

    def _decode(self, p, output):
        return output


class HighDimCartesian(Target):
    """A random affine image of the coordinates, x S + b, entries U(-1, 1); decoded by pinv(S)."""

    name = "high_dim_cartesian"

    def _draw(self, spec, random):
        self.cells = _cell_count(spec, 2)
        projection = random.uniform(-1, 1, (2, self.cells))
        return {
            "projection": projection,
            "offset": random.uniform(-1, 1, (1, self.cells)),
            "inverse": np.linalg.pinv(projection),
        }

    def _encode(self, p, x):
        return x @ p["projection"] + p["offset"]

    def _decode(self, p, output):
        return (output - p["offset"]) @ p["inverse"]


class Polar(Target):
    """Distance from the centre and angle, atan2(y, x).

    The published program takes atan(y / x), which confounds x and -x; this one does not. The loss
    is the squared distance between the two points, r1^2 + r2^2 - 2 r1 r2 cos(t1 - t2).
    """

    name = "polar"
    cells = 2

    def _draw(self, spec, random):
        return {}

    def _encode(self, p, x):
        return torch.stack([torch.linalg.vector_norm(x, dim=-1), _angle(x)], -1)

    def _decode(self, p, output):
        radius, angle = output.unbind(-1)
        return torch.stack([radius * angle.cos(), radius * angle.sin()], -1)

    def loss(self, output, code):
        (r1, t1), (r2, t2) = output.unbind(-1), code.unbind(-1)
        squared = r1.square() + r2.square() - 2 * r1 * r2 * (t1 - t2).cos()
        return squared.flatten(1).mean(1)


class HighDimPolar(Target):
    """Half the cells linear in the distance from the centre, half tuned to the angle.

    r S + b with entries U(-1, 1), and exp(cos(angle - mu)) with mu ~ U(-pi, pi). The angle is
    decoded as the preferred angle of the most active cell.
    """

    name = "high_dim_polar"

    def _draw(self, spec, random):
        self.cells = _cell_count(spec, 2)
        if self.cells % 2:
            raise ValueError(
                f"place_cells: found {self.cells}, allowed: an even number for target {self.name}"
            )
        half = self.cells // 2
        slope = random.uniform(-1, 1, (1, half))
        return {
            "slope": slope,
            "offset": random.uniform(-1, 1, (1, half)),
            "inverse": np.linalg.pinv(slope),
            "preferred": random.uniform(-math.pi, math.pi, (1, half)),
        }

    def _encode(self, p, x):
        radius = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        tuned = (_angle(x)[..., None] - p["preferred"]).cos().exp()
        return torch.cat([radius @ p["slope"] + p["offset"], tuned], -1)

    def _decode(self, p, output):
        linear, tuned = output.chunk(2, -1)
        radius = ((linear - p["offset"]) @ p["inverse"]).squeeze(-1)
        preferred = p["preferred"].squeeze(1)
        angle = preferred.gather(1, tuned.argmax(-1))
        return torch.stack([radius * angle.cos(), radius * angle.sin()], -1)


class PlaceCells(Target):
    """Common part of the place-cell targets: fields, nearest-field distances, decoder, loss.

    Each cell has one field or several; its activity follows the field that is nearest in units of
    that field's width. Activities sum to one over the cells, and the loss is the cross-entropy
    between them and the softmax of the network's outputs.
    """

    decode_lowest: ClassVar[bool] = False

    def _draw(self, spec, random):
        self.cells = cells = _cell_count(spec, DECODED_CELLS)
        half = self.arena / 2
        first = random.uniform(-half, half, (cells, 1, 2))
        extra = spec["fields_per_cell"]
        counts = 1 + (
            random.poisson(extra["poisson"], cells)
            if isinstance(extra, Mapping)
            else np.zeros(cells, int)
        )
        fields = counts.max()
        centre = np.concatenate([first, random.uniform(-half, half, (cells, fields - 1, 2))], 1)
        width = _values(spec["place_cell_width"], (cells, fields), random)
        ratio = _width_ratio(spec["surround"], (cells, fields), random)
        amplitude = spec["amplitude_ratio"]
        return {
            "centre": centre,
            "width": width,
            "surround": ratio**2,
            "amplitude": np.full((1, 1), np.nan if amplitude == "equal_area" else float(amplitude)),
            "exists": np.arange(fields) < counts[:, None],
        }

    def _distances(self, p: dict[str, Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
        """-q (network, sample, cell), and s^2 of the field it belongs to, which broadcasts to that.

        -q is one matrix product per field, [x, y, |x|^2, 1] times coefficients.
        """
        scale = 0.5 / p["width"].square()
        constant = -scale * p["centre"].square().sum(-1)
        constant = constant.masked_fill(~p["exists"], torch.finfo(x.dtype).min)
        slopes = 2 * scale[..., None] * p["centre"]
        coefficients = torch.cat([slopes, -scale[..., None], constant[..., None]], -1)
        terms = torch.cat([x, x.square().sum(-1, keepdim=True), torch.ones_like(x[..., :1])], -1)
        near, surround = terms @ coefficients[:, :, 0].mT, p["surround"][:, None, :, 0]
        for field in range(1, scale.shape[2]):
            other = terms @ coefficients[:, :, field].mT
            nearer = other > near
            near = torch.maximum(near, other)
            surround = torch.where(nearer, p["surround"][:, None, :, field], surround)
        return near, surround

    def _decode(self, p, output):
        _, chosen = output.topk(DECODED_CELLS, dim=-1, largest=not self.decode_lowest)
        network = torch.arange(self.networks, device=output.device)[:, None, None]
        if p["centre"].shape[2] == 1:
            return p["centre"][:, :, 0][network, chosen].mean(-2)
        pieces = [self._tightest(p, network, part) for part in chosen.split(1024, dim=1)]
        return torch.cat(pieces, 1)

    def _tightest(self, p: dict[str, Tensor], network: Tensor, chosen: Tensor) -> Tensor:
        """Mean of the one-field-per-cell combination with the least variance."""
        fields = p["centre"].shape[2]
        grid = torch.cartesian_prod(*[torch.arange(fields, device=chosen.device)] * DECODED_CELLS)
        cell = torch.arange(DECODED_CELLS, device=chosen.device)
        points = p["centre"][network, chosen][:, :, cell, grid]
        exists = p["exists"][network, chosen][:, :, cell, grid].all(-1)
        spread = points.var(-2, correction=0).sum(-1).masked_fill(~exists, math.inf)
        best = spread.argmin(-1)[..., None, None, None].expand(-1, -1, 1, DECODED_CELLS, 2)
        return points.gather(2, best).squeeze(2).mean(-2)

    def loss(self, output, code):
        return _SoftmaxCrossEntropy.apply(output.flatten(1, -2), code.flatten(1, -2))


class Gaussian(PlaceCells):
    """Softmax of Gaussians: softmax(-q)."""

    name = "gaussian"

    def _encode(self, p, x):
        narrow, total = _exponentials(self._distances(p, x)[0])
        return narrow.div_(total)


class DifferenceOfSoftmaxes(PlaceCells):
    """DoS: softmax(-q) - softmax(-Q), shifted to a minimum of zero over cells and normalised.

    Both softmaxes sum to one, so excitation and inhibition have equal areas.
    """

    name = "difference_of_softmaxes"

    def _encode(self, p, x):
        near, surround = self._distances(p, x)
        wide, wide_total = _exponentials(near / surround)
        narrow, narrow_total = _exponentials(near)
        difference = narrow.div_(narrow_total).addcdiv_(wide, wide_total, value=-1)
        return _shifted(difference)


class SoftmaxOfDifferences(PlaceCells):
    """SoD: softmax(Q - q), which is a softmax Gaussian of width sigma s / sqrt(s^2 - 1)."""

    name = "softmax_of_differences"

    def _encode(self, p, x):
        near, surround = self._distances(p, x)
        narrow, total = _exponentials(near - near / surround)
        return narrow.div_(total)


class DifferenceOfGaussians(PlaceCells):
    """Equal-amplitude DoG: exp(-q) - exp(-Q), shifted and normalised.

    Nowhere positive before the shift: zero at a cell's centre and far away, lowest on a ring of
    radius 2 sigma s sqrt(ln s / (s^2 - 1)). Decoding therefore takes the three least active cells.
    """

    name = "difference_of_gaussians"
    decode_lowest = True

    def _encode(self, p, x):
        near, surround = self._distances(p, x)
        wide = _exp(near / surround)
        return _shifted(_exp(near).sub_(wide))


class GeneralDifferenceOfGaussians(PlaceCells):
    """alpha exp(-q) - exp(-Q), shifted and normalised, alpha the ratio of amplitudes.

    Shift and normalisation leave only the ratio of the two amplitudes. `equal_area` is alpha = s^2,
    at which excitation and inhibition cancel over the plane, as in the difference of softmaxes.
    """

    name = "general_difference_of_gaussians"

    def _encode(self, p, x):
        near, surround = self._distances(p, x)
        amplitude = p["amplitude"][..., :1]
        amplitude = torch.where(amplitude.isnan(), surround, amplitude)
        wide = _exp(near / surround)
        return _shifted(_exp(near).mul_(amplitude).sub_(wide))


class _SoftmaxCrossEntropy(torch.autograd.Function):
    """Mean cross-entropy per network of logits (network, sample, cell) with target activity.

    Target activities sum to one over the cells.

    The gradient, softmax(logits) - code, is made in the forward pass: one pass over the logits
    instead of the several that composing log-softmax, product and sum would take.
    """

    @staticmethod
    def forward(ctx, logits: Tensor, code: Tensor) -> Tensor:
        samples = logits.shape[1]
        top = logits.amax(-1, keepdim=True)
        softmax = _exp(logits - top)
        total = softmax.sum(-1, keepdim=True)
        loss = (top + total.log()).flatten(1).mean(1)
        loss -= torch.linalg.vecdot(code.flatten(1), logits.flatten(1)) / samples
        ctx.save_for_backward(softmax.mul_(1 / total).sub_(code).div_(samples))
        return loss

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        (slope,) = ctx.saved_tensors
        return slope * gradient[:, None, None], None


def _exponentials(x: Tensor) -> tuple[Tensor, Tensor]:
    """Numerator and denominator of a softmax over cells."""
    x = _exp(x.sub_(x.amax(-1, keepdim=True)))
    return x, x.sum(-1, keepdim=True)


def _exp(x: Tensor) -> Tensor:
    """exp in place, at least exp(-80): float32 that is not normal is ten times slower."""
    return x.clamp_min_(-80.0).exp_()


def _shifted(difference: Tensor) -> Tensor:
    """Subtract the least value over cells, so that it is exactly zero, and normalise."""
    difference = difference.sub_(difference.amin(-1, keepdim=True))
    total = difference.sum(-1, keepdim=True)
    return difference.div_(total.clamp_min(torch.finfo(total.dtype).tiny))


def _angle(x: Tensor) -> Tensor:
    return torch.atan2(x[..., 1], x[..., 0])


def _cell_count(spec: Mapping[str, Any], fewest: int) -> int:
    """The number of place cells; ValueError where fewer than `fewest`, which decode to nothing."""
    cells = int(spec["place_cells"])
    if cells < fewest:
        raise ValueError(f"place_cells: found {cells}, allowed: at least {fewest}")
    return cells


def _values(value: Any, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """A number everywhere, or independent draws for every cell and field."""
    if isinstance(value, Mapping):
        return random.uniform(*value["uniform"], shape)
    return np.full(shape, float(value))


def _width_ratio(surround: Mapping[str, Any], shape: tuple[int, ...], random) -> np.ndarray:
    """Ratio of the surround's width to the field's, by either convention of `surround`."""
    if "variance_ratio" in surround:
        return np.sqrt(_values(surround["variance_ratio"], shape, random))
    return _values(surround["width_ratio"], shape, random)


def _stacked(drawn: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """One array per parameter with a leading network axis; cells with fewer fields are padded."""
    if "exists" in drawn[0]:
        fields = max(d["exists"].shape[1] for d in drawn)
        drawn = [{k: _padded(v, fields) for k, v in d.items()} for d in drawn]
    return {k: np.stack([d[k] for d in drawn]) for k in drawn[0]}


def _padded(values: np.ndarray, fields: int) -> np.ndarray:
    """Repeat the last field up to `fields`; a padded field does not exist."""
    missing = fields - values.shape[1]
    if values.dtype == bool:
        return np.pad(values, [(0, 0), (0, missing)])
    return np.pad(values, [(0, 0), (0, missing)] + [(0, 0)] * (values.ndim - 2), mode="edge")
