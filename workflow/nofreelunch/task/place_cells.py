"""Targets made of place cells: Gaussians, differences of Gaussians, and softmaxes of these.

Equations follow Sorscher et al. (2019) and Schaeffer, Khona & Fiete (2022). Names say what an
equation computes: what those programs call a difference of Gaussians is a difference of softmaxes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from nofreelunch.compute import kernels
from nofreelunch.compute.fused import worthwhile
from nofreelunch.errors import refused, shown
from nofreelunch.task.arena import centres
from nofreelunch.task.cross_entropy import (
    CompiledCrossEntropy,
    SoftmaxCrossEntropy,
    exp_bounded,
    loss_and_slope,
)
from nofreelunch.task.target import Target, cell_count, exact_products
from nofreelunch.task.trajectories import inside

DECODED_AT_ONCE = 256  # samples of cells with several fields; bounds memory
DECODED_CELLS = 3  # the published decoder averages the centres of three cells
IMAGES = np.array([[x, y] for x in (0, -1, 1) for y in (0, -1, 1)])  # the field itself first
NOWHERE = 1e6  # m; the kernels take a missing field to be here, far from every position


class PlaceCells(Target):
    """Base of the place-cell targets: fields, distances to them, decoder and loss.

    A cell has one field or several. Its activity follows the nearest one, with distances measured
    in units of the field's width. If the field of cell i that is nearest to position x has centre
    c_i, width sigma_i and surround width s_i sigma_i, then

        q_i = |x - c_i|^2 / (2 sigma_i^2)    and    Q_i = q_i / s_i^2

    In a periodic arena each field has eight images, a side of the arena away, and the nearest one
    counts.

    Each subclass computes activities from q and Q, in `_activity`. They sum to one over the cells,
    and the loss is their cross-entropy with the softmax of the network's outputs. A subclass that
    states a `kernel` is computed in C on a CPU: change `kernels.c` with it.
    """

    joins_walls = True
    decode_lowest: ClassVar[bool] = False
    kernel: ClassVar[int | None] = None  # its number in `enum kind` of kernels.c, if it is there

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "kernel" not in cls.__dict__:  # a target made from another one has other activities
            cls.kernel = None
        if not {"_draw", "_encode"}.isdisjoint(cls.__dict__) and "joins_walls" not in cls.__dict__:
            cls.joins_walls = False

    def _prepare(self) -> None:
        p = self._parameters
        # Cells with the most fields come first, so only the first with_field[f] have a field f.
        self.with_field = p["exists"].sum(1).amax(0).cpu()
        centre = p["centre"].masked_fill(~p["exists"][..., None], NOWHERE)
        shape = torch.stack([0.5 / p["width"].square(), 1 / p["surround"]], -1)
        self.fields = torch.cat([centre, shape], -1).permute(0, 2, 3, 1).contiguous()

    def _apply_kernel(self, p: dict[str, Tensor], x: Tensor) -> Tensor:
        library, code = kernels.library(), x.new_empty(*x.shape[:2], self.cells)
        assert library is not None  # only tensors that are `usable` come here
        scratch = x.new_empty(3 * self.cells)
        for k, cells in enumerate(self.cells_of):
            library.encode(
                *(self.kernel, x.shape[1], cells, self.cells, len(self.with_field)),
                *(self.with_field.data_ptr(), self.fields[k].data_ptr()),
                *(
                    float(p["amplitude"][k]),
                    x[k].data_ptr(),
                    scratch.data_ptr(),
                    code[k].data_ptr(),
                ),
            )
        return code

    def _draw(self, spec, random):
        self.cells = cells = cell_count(spec, DECODED_CELLS)
        half = self.arena / 2
        first = random.uniform(-half, half, (cells, 1, 2))
        if spec["place_cell_centres"] == "raster":
            first = _raster(cells, self.arena)
        extra = spec["fields_per_cell"]
        if extra != 1 and (self.periodic or spec["place_cell_centres"] == "raster"):
            where = "in a periodic arena" if self.periodic else "of place cells on a raster"
            raise refused("fields_per_cell", shown(extra), f"1 {where}")
        counts = np.ones(cells, int)
        if isinstance(extra, Mapping):
            counts += np.sort(random.poisson(extra["poisson"], cells))[::-1]
        fields = counts[0]
        centre = np.concatenate([first, random.uniform(-half, half, (cells, fields - 1, 2))], 1)
        width = _values(spec["place_cell_width"], (cells, fields), random)
        ratio = _width_ratio(spec["surround"], (cells, fields), random)
        exists = np.arange(fields) < counts[:, None]
        if self.periodic:
            centre = centre + self.arena * IMAGES
            width, ratio, exists = (
                np.repeat(values, len(IMAGES), 1) for values in (width, ratio, exists)
            )
        amplitude = spec["amplitude_ratio"]
        return {
            "centre": centre,
            "width": width,
            "surround": ratio**2,
            "amplitude": np.full((1, 1), np.nan if amplitude == "equal_area" else float(amplitude)),
            "exists": exists,
        }

    def _distances(self, p: dict[str, Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
        """-q (network, sample, cell), and s^2 of the nearest fields, which broadcasts to its shape.

        -q is one matrix product per field: [x, y, |x|^2, 1] times coefficients.
        """
        scale = 0.5 / p["width"].square()
        constant = -scale * p["centre"].square().sum(-1)
        constant = constant.masked_fill(~p["exists"], torch.finfo(x.dtype).min)
        slopes = 2 * scale[..., None] * p["centre"]
        coefficients = torch.cat([slopes, -scale[..., None], constant[..., None]], -1)
        terms = torch.cat([x, x.square().sum(-1, keepdim=True), torch.ones_like(x[..., :1])], -1)
        near, surround = terms @ coefficients[:, :, 0].mT, p["surround"][:, None, :, 0]
        several = len(self.with_field) > 1 and not self.periodic  # images have the field's surround
        if several:
            surround = surround.expand_as(near).clone()
        for field, cells in enumerate(self.with_field.tolist()[1:], 1):
            best, other = near[..., :cells], terms @ coefficients[:, :cells, field].mT
            if several:
                ratios = p["surround"][:, None, :cells, field]
                surround[..., :cells] = torch.where(other > best, ratios, surround[..., :cells])
            near[..., :cells] = torch.maximum(best, other)
        return near, surround

    def _encode(self, p, x):
        x = self._inside(x).contiguous()  # a minibatch without its start positions is not
        if self.kernel is not None and kernels.usable(x, self.fields):
            return self._apply_kernel(p, x)
        near, surround = self._distances(p, x)
        return self._activity(p, near, surround)

    def _inside(self, x: Tensor) -> Tensor:
        return inside(x, self.arena) if self.periodic else x

    def _activity(self, p: dict[str, Tensor], near: Tensor, surround: Tensor) -> Tensor:
        """Activity (network, sample, cell) from the two results of `_distances`."""
        raise ValueError(f"{type(self).__name__} has no encoding")

    def _decode(self, p, output):
        if self.padded:
            least = math.inf if self.decode_lowest else -math.inf
            output = output.masked_fill(~p["real"], least)
        _, chosen = output.topk(DECODED_CELLS, dim=-1, largest=not self.decode_lowest)
        network = torch.arange(self.networks, device=output.device)[:, None, None]
        if self.periodic:  # the mean around the most active cell
            centre = p["centre"][:, :, 0][network, chosen]
            first = centre[..., :1, :]
            return self._inside((first + self._inside(centre - first)).mean(-2))
        if p["centre"].shape[2] == 1:
            return p["centre"][:, :, 0][network, chosen].mean(-2)
        pieces = [self._tightest(p, network, part) for part in chosen.split(DECODED_AT_ONCE, dim=1)]
        return torch.cat(pieces, 1)

    def _tightest(self, p: dict[str, Tensor], network: Tensor, chosen: Tensor) -> Tensor:
        """Positions (network, sample, 2) decoded from chosen cells with several fields each.

        Of all combinations with one field per cell, take the one with the least variance, that is,
        with the least sum of squared distances; its mean is the position.
        """
        points = p["centre"][network, chosen]
        missing = torch.where(p["exists"][network, chosen], 0.0, math.inf)

        def apart(one: int, other: int) -> Tensor:
            between = points[:, :, one, :, None] - points[:, :, other, None, :]
            return between.square_().sum(-1)

        first, second, third = missing[..., None].unbind(2)
        pair = apart(0, 1) + first + second.mT
        total = pair[..., None] + (apart(0, 2) + third.mT)[..., None, :]
        total += apart(1, 2)[..., None, :, :]
        best = torch.stack(torch.unravel_index(total.flatten(-3).argmin(-1), total.shape[-3:]), -1)
        index = best[..., None, None].expand(-1, -1, -1, 1, 2)
        return points.gather(3, index).squeeze(3).mean(-2)

    def loss(self, output, code, weights=None):
        if weights is None:
            weights = torch.ones_like(output[..., 0])
            weights /= weights[0].numel()
        output, code, weights = output.flatten(1, -2), code.flatten(1, -2), weights.flatten(1)
        real = self._parameters["real"] if self.padded else None
        return SoftmaxCrossEntropy.apply(output, code, weights, self.cells_of, real)

    def loss_at(self, output, position, weights):
        """As of every target. On a GPU the activity of a large stack is never written to memory."""
        kind = type(self)
        own = kind.loss is not PlaceCells.loss or kind._encode is not PlaceCells._encode
        if own or not worthwhile(output):
            return super().loss_at(output, position, weights)
        with exact_products():
            samples = self._inside(position.flatten(1, -2))
            near, surround = self._distances(self._parameters, samples)
        constants = {name: self._parameters[name] for name in ("real", "amplitude")}
        others = constants, near, surround, weights.flatten(1), self.padded
        return CompiledCrossEntropy.apply(output.flatten(1, -2), self._loss_of_activity, others)

    def _loss_of_activity(
        self,
        logits: Tensor,
        p: dict[str, Tensor],
        near: Tensor,
        surround: Tensor,
        weights: Tensor,
        padded: bool,
    ) -> tuple[Tensor, Tensor]:
        """Loss (network,) and its gradient by the logits, from the results of `_distances`."""
        # `_activity` may overwrite `near`, which compiled code would have to write back.
        code = self._activity(p, near.clone(), surround)
        real = p["real"] if padded else None
        return loss_and_slope(logits, code if real is None else code * real, weights, real)


class Gaussian(PlaceCells):
    """Gaussian place cells, normalised by a softmax: softmax(-q)."""

    name = "gaussian"
    label = "Gaussian"
    short = "Gaussian"
    colour = "#E69F00"
    uses = (
        "place_cells",
        "place_cell_width",
        "fields_per_cell",
    )
    kernel = 0

    def _activity(self, p, near, surround):
        narrow, total = _exponentials(near)
        return narrow.div_(total)


class SoftmaxOfDifferences(PlaceCells):
    """SoD: softmax(Q - q), equal to Gaussian cells of width sigma s / sqrt(s^2 - 1)."""

    name = "softmax_of_differences"
    label = "Softmax-of-differences"
    short = "SoD"
    colour = "#009E73"
    uses = (
        "place_cells",
        "place_cell_width",
        "surround",
        "fields_per_cell",
    )
    kernel = 2

    def _activity(self, p, near, surround):
        narrow, total = _exponentials(near - near / surround)
        return narrow.div_(total)


class DifferenceOfGaussians(PlaceCells):
    """Equal-amplitude DoG: exp(-q) - exp(-Q), shifted and normalised.

    Before the shift, activity is zero at a cell's centre and far away. In between it is negative,
    and lowest on a ring of radius 2 sigma s sqrt(ln s / (s^2 - 1)). The decoder therefore takes the
    three least active cells.
    """

    name = "difference_of_gaussians"
    label = "Equal-amplitude difference-of-Gaussians"
    short = "Equal-\namplitude\nDoG"
    colour = "#56B4E9"
    uses = (
        "place_cells",
        "place_cell_width",
        "surround",
        "fields_per_cell",
    )
    centre_surround = 1.0
    joins_walls = True
    decode_lowest = True
    kernel = 3

    def _draw(self, spec, random):
        return super()._draw(spec | {"amplitude_ratio": 1.0}, random)

    def _activity(self, p, near, surround):
        wide = exp_bounded(near / surround)
        return _shifted(exp_bounded(near).sub_(wide), p["real"])


class GeneralDifferenceOfGaussians(PlaceCells):
    """General DoG: alpha exp(-q) - exp(-Q), shifted and normalised.

    alpha is the ratio of the two amplitudes, the key `amplitude_ratio`. The value `equal_area`
    stands for alpha = s^2: excitation and inhibition then cancel over the plane, as they do in the
    difference of softmaxes.
    """

    name = "general_difference_of_gaussians"
    label = "Equal-area difference-of-Gaussians"
    short = "Equal-\narea\nDoG"
    colour = "#0072B2"
    uses = (
        "place_cells",
        "place_cell_width",
        "surround",
        "amplitude_ratio",
        "fields_per_cell",
    )
    centre_surround = "amplitude_ratio"
    kernel = 3

    def _activity(self, p, near, surround):
        amplitude = p["amplitude"][..., :1]
        amplitude = torch.where(amplitude.isnan(), surround, amplitude)
        wide = exp_bounded(near / surround)
        return _shifted(exp_bounded(near).mul_(amplitude).sub_(wide), p["real"])


class DifferenceOfSoftmaxes(PlaceCells):
    """DoS: softmax(-q) - softmax(-Q), shifted to a minimum of zero over cells, and normalised.

    Both softmaxes sum to one, so excitation and inhibition have equal areas.
    """

    name = "difference_of_softmaxes"
    label = "Difference-of-softmaxes"
    short = "DoS"
    colour = "#D55E00"
    uses = (
        "place_cells",
        "place_cell_width",
        "surround",
        "fields_per_cell",
    )
    centre_surround = "equal_area"
    kernel = 1

    def _activity(self, p, near, surround):
        wide, wide_total = _exponentials(near / surround)
        narrow, narrow_total = _exponentials(near)
        difference = narrow.div_(narrow_total).addcdiv_(wide, wide_total, value=-1)
        return _shifted(difference, p["real"])


def _raster(cells: int, arena: float) -> np.ndarray:
    """Centres (cell, 1, axis) on a square raster that fills the arena, m."""
    side = math.isqrt(cells)
    if side**2 != cells:
        raise refused("place_cells", f"{cells}", "a square number on a raster")
    return centres(arena / side, side).reshape(-1, 1, 2)


def _exponentials(x: Tensor) -> tuple[Tensor, Tensor]:
    """Numerator and denominator of a softmax over cells; `x` is overwritten."""
    x = exp_bounded(x.sub_(x.amax(-1, keepdim=True)))
    return x, x.sum(-1, keepdim=True)


def _shifted(difference: Tensor, real: Tensor) -> Tensor:
    """Shift to a minimum of exactly zero over the real cells, and normalise to a sum of one."""
    least = difference.masked_fill(~real, math.inf).amin(-1, keepdim=True)
    difference = difference.sub_(least).mul_(real)
    total = difference.sum(-1, keepdim=True)
    return difference.div_(total.clamp_min(torch.finfo(total.dtype).tiny))


def _values(value: Any, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """An array of one number, or of independent draws for every cell and field."""
    if isinstance(value, Mapping):
        low, high = value["uniform"]
        return random.uniform(low, high, shape)
    return np.full(shape, float(value))


def _width_ratio(surround: Mapping[str, Any], shape: tuple[int, ...], random) -> np.ndarray:
    """Width of the surround over width of the field, from either convention of `surround`."""
    if "variance_ratio" in surround:
        return np.sqrt(_values(surround["variance_ratio"], shape, random))
    return _values(surround["width_ratio"], shape, random)
