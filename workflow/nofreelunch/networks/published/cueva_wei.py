"""The networks of Cueva & Wei, "Emergence of grid-like representations by training recurrent neural
networks to perform spatial localization" (ICLR 2018).

A leaky tanh network receives speed and heading, and reports the position. Three ingredients are
said to be needed for grid-like units: noise in the network, long periods without movement, and a
cost of activity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nofreelunch import seeds

STEP = 0.1  # of a time step, in time constants of a unit
OUTPUT_UNIT = 1.1  # m: half the side of a square that is as large as every arena
INPUTS, OUTPUTS = 2, 2


@dataclass
class LeakyNetworks:
    """Leaky tanh networks that run side by side.

    With u = tanh(x), input I, noise xi that is drawn anew for every unit and step, and output y:

        x(t + 1) = x(t) + 0.1 [-x(t) + R u(t) + W I(t) + b + xi(t)],  y = D u(t + 1)

    All units start at x = 0, wherever the walk begins; the paper does not state x(0).

    Attributes:
        weights: by name, (network, inputs, outputs): `input` W, `recurrent` R, `bias` b, `decoder`
            D.
        noise: standard deviation of xi, (network, 1, 1).
    """

    weights: Mapping[str, Tensor]
    noise: Tensor

    def run(self, inputs: Tensor, drawn: Tensor | None) -> Tensor:
        """Activity u (network, time, sample, unit).

        Args:
            inputs: (network, time, sample, 2), from `inputs_of`.
            drawn: standard normal numbers, (network, time, sample, unit); None if no network has
                noise.
        """
        w = self.weights
        drive = torch.baddbmm(w["bias"], inputs.flatten(1, 2), w["input"])
        drive = drive.unflatten(1, inputs.shape[1:3])
        if drawn is not None:
            drive = torch.addcmul(drive, self.noise[..., None], drawn)
        return _LeakyRecurrence.apply(drive, w["recurrent"])

    def read_out(self, activity: Tensor) -> Tensor:
        """Outputs (network, time, sample, 2), in units of `OUTPUT_UNIT`."""
        output = torch.bmm(activity.flatten(1, 2), self.weights["decoder"])
        return output.unflatten(1, activity.shape[1:3])


class _LeakyRecurrence(torch.autograd.Function):
    """u (network, time, sample, unit) of `LeakyNetworks`, from W I + b + xi of the same shape.

    Automatic differentiation would compute the gradient of R with one product per time step. Here
    one product does it for all steps.
    """

    @staticmethod
    def forward(ctx, drive, recurrent):
        activity = torch.empty_like(drive)
        x = torch.zeros_like(drive[:, 0])
        u = torch.zeros_like(x)
        for t in range(drive.shape[1]):
            x = torch.baddbmm(torch.lerp(x, drive[:, t], STEP), u, recurrent, alpha=STEP)
            u = activity[:, t]
            torch.tanh(x, out=u)
        ctx.save_for_backward(activity, recurrent)
        return activity

    @staticmethod
    def backward(ctx, gradient):
        activity, recurrent = ctx.saved_tensors
        back = recurrent.mT.contiguous()
        of_drive = torch.empty_like(activity)
        after = torch.zeros_like(activity[:, 0])  # the gradient of the drive one step later
        for t in range(activity.shape[1] - 1, -1, -1):
            of_u = torch.baddbmm(gradient[:, t], after, back)
            of_x = torch.ops.aten.tanh_backward(of_u, activity[:, t])
            now = of_drive[:, t]
            torch.lerp(after, of_x, STEP, out=now)
            after = now
        seen, later = activity[:, :-1].flatten(1, 2), of_drive[:, 1:].flatten(1, 2)
        return of_drive, torch.bmm(seen.mT, later)


def inputs_of(velocity: Tensor, heading: Tensor, mean_step: float, angle: str) -> Tensor:
    """What a network receives (..., 2 or 3): speed, and the angle of the heading.

    Args:
        velocity: displacement in a step, (..., 2), m.
        heading: direction of movement, (...), rad; a still animal keeps its heading.
        mean_step: mean length of a step in m, by which speeds are divided.
        angle: "scalar", the angle itself from -1 to 1, which jumps at the back; or "sine_cosine".
    """
    speed = torch.linalg.vector_norm(velocity, dim=-1, keepdim=True) / mean_step
    if angle == "scalar":
        turned = torch.remainder(heading + torch.pi, 2 * torch.pi) / torch.pi - 1
        return torch.cat([speed, turned[..., None]], -1)
    return torch.cat([speed, heading.cos()[..., None], heading.sin()[..., None]], -1)


def noise_of(specs: Sequence[Mapping[str, Any]], block: int, inputs: Tensor) -> Tensor | None:
    """Standard normal numbers (network, time, sample, unit) for `inputs`, of a block's own.

    Each network's come from its own seed, so that its neighbours in a stack make no difference.
    None if no network has noise.
    """
    if not any(spec["noise"] for spec in specs):
        return None
    shape, units = inputs.shape[1:3], specs[0]["units"]
    drawn = torch.zeros(len(specs), *shape, units)
    for k, spec in enumerate(specs):
        if spec["noise"]:
            word = seeds.generator(spec["seed"], seeds.NOISE, block).integers(2**63)
            generator = torch.Generator().manual_seed(int(word))
            drawn[k] = torch.randn(*shape, units, generator=generator)
    return drawn.to(inputs.device)


def penalised_error(
    networks: LeakyNetworks, activity: Tensor, answers: Tensor, metabolic: Tensor, weight: Tensor
) -> tuple[Tensor, Tensor]:
    """Loss (network,), and the squared error in it.

    The mean squared error of the outputs, plus `metabolic` times the mean squared activity, plus
    `weight` times the mean squares of input and output weights; both factors are (network,).
    """
    w = networks.weights
    error = (networks.read_out(activity) - answers).square().mean((1, 2, 3))
    # The norm's gradient takes one pass over memory; that of a mean of squares takes three.
    squared_norm = torch.linalg.vector_norm(activity.flatten(1), dim=1).square()
    activity_cost = squared_norm / activity[0].numel()
    weight_cost = w["input"].square().mean((1, 2)) + w["decoder"].square().mean((1, 2))
    return error + metabolic * activity_cost + weight * weight_cost, error


def weight_shapes(units: int, angle: str) -> dict[str, tuple[int, int]]:
    """Shape (inputs, outputs) of every weight of one network by name."""
    inputs = INPUTS if angle == "scalar" else INPUTS + 1
    return {
        "input": (inputs, units),
        "recurrent": (units, units),
        "bias": (1, units),
        "decoder": (units, OUTPUTS),
    }


def initialize(specs: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
    """Initial weights, each network's drawn from its own seed.

    Input weights have the variance 1 / inputs; recurrent ones are orthogonal, or have the standard
    deviation 1.5 / sqrt(units); the bias and the output weights are zero. The paper takes
    orthogonal weights in the square and the triangle, and the others in the hexagon.
    """
    drawn = [_draw(spec) for spec in specs]
    return {k: torch.from_numpy(np.stack([d[k] for d in drawn])).float() for k in drawn[0]}


def _draw(spec: Mapping[str, Any]) -> dict[str, np.ndarray]:
    random = seeds.generator(spec["seed"], seeds.WEIGHTS)
    shapes = weight_shapes(spec["units"], spec["angle"])
    weights = {name: np.zeros(shape) for name, shape in shapes.items()}
    weights["input"] = random.normal(0, shapes["input"][0] ** -0.5, shapes["input"])
    normal = random.normal(size=shapes["recurrent"])
    if spec["recurrent_weights"] == "orthogonal":
        q, r = np.linalg.qr(normal)
        weights["recurrent"] = q * np.sign(np.diag(r))  # uniform over orthogonal matrices
    else:
        weights["recurrent"] = 1.5 * normal / spec["units"] ** 0.5
    return weights
