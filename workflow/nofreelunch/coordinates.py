"""Targets that are coordinates: Cartesian and polar, as they are or spread over many cells."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from nofreelunch.encodings import Target, cell_count, weighted


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

    def loss(self, output, code, weights=None):
        (r1, t1), (r2, t2) = output.unbind(-1), code.unbind(-1)
        squared = r1.square() + r2.square() - 2 * r1 * r2 * (t1 - t2).cos()
        return weighted(squared.flatten(1), weights)


class HighDimPolar(Target):
    """Half the cells linear in the distance from the centre, half tuned to the angle.

    r S + b with entries U(-1, 1), and exp(cos(angle - mu)) with mu ~ U(-pi, pi). The angle is
    decoded as the preferred angle of the most active cell.
    """

    name = "high_dim_polar"

    def _draw(self, spec, random):
        self.cells = cell_count(spec, 2)
        if self.cells % 2:
            raise ValueError(
                f"place_cells: found {self.cells}, allowed: an even number for target {self.name}"
            )
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
