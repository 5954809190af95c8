"""Targets made of coordinates: Cartesian or polar, alone or spread over many cells."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from nofreelunch.errors import refused
from nofreelunch.task.target import Target, cell_count, weighted


class Cartesian(Target):
    """The coordinates x and y (m), trained with mean squared error; the decoder is exact."""

    name = "cartesian"
    label = "Cartesian"
    short = "Cartesian"
    colour = "#A6A6A6"
    uses = ()
    cells = 2

    def _draw(self, spec, random):
        return {}

    def _encode(self, p, x):
        return x

    def _decode(self, p, output):
        return output


class HighDimCartesian(Target):
    """The coordinates spread over many cells by a random affine map, x S + b.

    Entries of S and b are drawn from U(-1, 1). The pseudo-inverse of S decodes.
    """

    name = "high_dim_cartesian"
    label = "High-dimensional Cartesian"
    short = "High-dim.\nCartesian"
    colour = "#5F5F5F"
    uses = ("place_cells",)

    def _draw(self, spec, random):
        self.cells = cell_count(spec, 2)
        projection = random.uniform(-1, 1, (2, self.cells))
        return {
            "projection": projection,
            "offset": random.uniform(-1, 1, (1, self.cells)),
            "inverse": np.linalg.pinv(projection),
        }

    def _encode(self, p, x):
        return x @ p["projection"] + p["offset"]

    def _decode(self, p, output):
        return ((output - p["offset"]) * p["real"]) @ p["inverse"]


class Polar(Target):
    """Distance from the centre (m) and angle, atan2(y, x) (rad).

    The loss is the squared distance between two points, r1^2 + r2^2 - 2 r1 r2 cos(t1 - t2). The
    published program takes the angle as atan(y / x), which is the same for opposite points.
    """

    name = "polar"
    label = "Polar"
    short = "Polar"
    colour = "#CC79A7"
    uses = ()
    cells = 2

    def _draw(self, spec, random):
        return {}

    def _encode(self, p, x):
        return torch.stack([torch.linalg.vector_norm(x, dim=-1), _angle(x)], -1)

    def _decode(self, p, output):
        radius, angle = output.unbind(-1)
        return torch.stack([radius * angle.cos(), radius * angle.sin()], -1)

    def loss(self, output, code, weights=None):
        (r1, t1), (r2, t2) = output.unbind(-1), code.unbind(-1)
        squared = r1.square() + r2.square() - 2 * r1 * r2 * (t1 - t2).cos()
        return weighted(squared.flatten(1), weights)


class HighDimPolar(Target):
    """Half the cells linear in the distance r from the centre, half tuned to the angle.

    The first half are r S + b, with entries from U(-1, 1); the pseudo-inverse of S decodes r. The
    second half are exp(cos(angle - mu)), with mu from U(-pi, pi); the most active of them decodes
    the angle as its own mu.
    """

    name = "high_dim_polar"
    label = "High-dimensional polar"
    short = "High-dim.\npolar"
    colour = "#7A3E66"
    uses = ("place_cells",)
    even_cells = True

    def _draw(self, spec, random):
        self.cells = cell_count(spec, 2)
        if self.cells % 2:
            raise refused("place_cells", f"{self.cells}", f"an even number for target {self.name}")
        half = self.cells // 2
        slope = random.uniform(-1, 1, (1, half))
        offset = random.uniform(-1, 1, (1, half))
        preferred = random.uniform(-math.pi, math.pi, (1, half))
        none = np.zeros((1, half))
        return {
            "slope": np.concatenate([slope, none], 1),
            "offset": np.concatenate([offset, none], 1),
            "inverse": np.concatenate([np.linalg.pinv(slope), none.T]),
            "preferred": np.concatenate([none, preferred], 1),
            "tuned": np.concatenate([none, none + 1], 1) == 1,
        }

    def _encode(self, p, x):
        linear = torch.linalg.vector_norm(x, dim=-1, keepdim=True) @ p["slope"] + p["offset"]
        tuned = (_angle(x)[..., None] - p["preferred"]).cos().exp()
        return torch.where(p["tuned"], tuned, linear)

    def _decode(self, p, output):
        linear = ((output - p["offset"]) * p["real"]) @ p["inverse"]
        tuned = output.masked_fill(~p["tuned"], -math.inf)
        angle = p["preferred"].squeeze(1).gather(1, tuned.argmax(-1))
        radius = linear.squeeze(-1)
        return torch.stack([radius * angle.cos(), radius * angle.sin()], -1)


def _angle(x: Tensor) -> Tensor:
    return torch.atan2(x[..., 1], x[..., 0])
