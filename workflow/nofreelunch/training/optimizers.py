"""Adam, RMSprop, Adagrad and SGD as one rule with different constants, so a stack can mix them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nofreelunch.compute import kernels
from nofreelunch.compute.fused import fused
from nofreelunch.networks.shapes import kernel_between_units


class UpdateRule(NamedTuple):
    """Constants of an update of weights with gradient g:

    mean += (1 - keep_mean) (g - mean)
    square = keep_square square + add_square g^2, initially `start`
    weight -= rate mean / (sqrt(square) + epsilon)

    If `corrected`, the rate makes up for the start of mean and square at zero, as in Adam.
    """

    keep_mean: float
    keep_square: float
    add_square: float
    start: float
    epsilon: float
    corrected: bool = False


OPTIMIZERS: dict[str, UpdateRule] = {}


def optimizer(
    name: str,
    keep_mean: float,
    keep_square: float,
    add_square: float,
    start: float,
    epsilon: float,
    corrected: bool = False,
) -> None:
    """Register the optimiser `name` by the constants of its `UpdateRule`, which are literals."""
    OPTIMIZERS[name] = UpdateRule(keep_mean, keep_square, add_square, start, epsilon, corrected)


# Constants of Keras 2.8, which trained the published networks.
optimizer(
    "adam",
    keep_mean=0.9,
    keep_square=0.999,
    add_square=0.001,
    start=0.0,
    epsilon=1e-7,
    corrected=True,
)
optimizer("rmsprop", keep_mean=0.0, keep_square=0.9, add_square=0.1, start=0.0, epsilon=1e-7)
optimizer("sgd", keep_mean=0.0, keep_square=1.0, add_square=0.0, start=1.0, epsilon=0.0)
optimizer("adagrad", keep_mean=0.0, keep_square=1.0, add_square=1.0, start=0.1, epsilon=1e-7)

WARM_UP = 0.1  # share of the training steps


class Optimizer:
    """Optimisers of a stack of networks, each with its own rule, rate, schedule and weight decay.

    Weight decay adds decay * sum(R^2) to the loss, where R is the recurrent kernel, or the input
    kernel of a cell without a recurrence.
    """

    def __init__(self, specs: Sequence[Mapping[str, Any]], weights: Mapping[str, Tensor]) -> None:
        device = next(iter(weights.values())).device
        self.specs = [dict(spec) for spec in specs]
        self.rules = [OPTIMIZERS[spec["optimizer"]] for spec in specs]
        columns = torch.tensor(self.rules, dtype=torch.float64).T[..., None, None]
        self.columns = UpdateRule(*columns.float().to(device))
        decay = torch.tensor([float(spec["weight_decay"]) for spec in specs])
        self.decay = decay[:, None, None].to(device)
        self.decayed = kernel_between_units(weights)
        self.mean = {k: torch.zeros_like(w) for k, w in weights.items()}
        self.square = {k: torch.zeros_like(w) + self.columns.start for k, w in weights.items()}

    def rates(self, step: int) -> Tensor:
        """Learning rate (network,) at `step`, after the schedule and the correction."""
        return torch.tensor([_rate(spec, step) for spec in self.specs])

    @torch.no_grad()
    def update(
        self,
        weights: Mapping[str, Tensor],
        gradients: Sequence[Tensor],
        rates: Tensor,
        alive: Tensor,
    ) -> None:
        """Take one step of every network that is `alive` (network, 1, 1); the others stay."""
        others = []
        for (name, weight), gradient in zip(weights.items(), gradients, strict=True):
            decay = 2 * self.decay if name == self.decayed else torch.zeros_like(self.decay)
            tensors = gradient.contiguous(), weight, self.mean[name], self.square[name]
            if kernels.usable(*tensors):
                self._in_kernel(tensors, decay, rates, alive)
            else:
                others.append((*tensors, decay))
        if others:
            largest = max((tensors[1] for tensors in others), key=Tensor.numel)
            fused(_update, others, self.columns, rates, alive, large=largest)

    def _in_kernel(self, tensors, decay: Tensor, rates: Tensor, alive: Tensor) -> None:
        library, count = kernels.library(), tensors[0][0].numel()
        assert library is not None  # only tensors that are `usable` come here
        for k in alive.flatten().nonzero().flatten().tolist():
            rule = self.rules[k]
            constants = rule.keep_mean, rule.keep_square, rule.add_square, rule.epsilon
            pointers = (tensor[k].data_ptr() for tensor in tensors)
            library.update(count, rates[k], decay[k], *constants, *pointers)


def _update(
    tensors: Sequence[tuple[Tensor, ...]], rule: UpdateRule, rates: Tensor, alive: Tensor
) -> None:
    """Update every (gradient, weight, mean, square, decay) in place, with torch functions."""
    rates = rates[:, None, None] * alive
    for gradient, weight, mean, square, decay in tensors:
        slope = torch.where(alive, torch.addcmul(gradient, weight, decay), 0.0)
        mean.lerp_(slope, 1 - rule.keep_mean)
        square.mul_(rule.keep_square).add_(rule.add_square * slope.square())
        weight.sub_(rates.to(weight.dtype) * mean / (square.sqrt() + rule.epsilon))


def schedule(name: str, step: int, steps: int) -> float:
    """Factor on the learning rate: 1, or half a cosine that falls from 1 to 0 over training.

    With `warmup_cosine` it also rises in proportion to the step, over the first tenth of training.
    """
    if name == "constant":
        return 1.0
    falling = 0.5 * (1 + math.cos(math.pi * step / steps))
    rising = (step + 1) / (WARM_UP * steps) if name == "warmup_cosine" else 1.0
    return falling * min(rising, 1.0)


def _rate(spec: Mapping[str, Any], step: int) -> float:
    rate = spec["learning_rate"] * schedule(spec["schedule"], step, spec["steps"])
    rule = OPTIMIZERS[spec["optimizer"]]
    if not rule.corrected:
        return rate
    correction = math.sqrt(1 - rule.keep_square ** (step + 1)) / (1 - rule.keep_mean ** (step + 1))
    return rate * correction
