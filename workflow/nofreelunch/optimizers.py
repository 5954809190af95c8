"""Adam, RMSprop, Adagrad and SGD as one rule with other constants, so that one stack mixes them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nofreelunch import kernels


class Rule(NamedTuple):
    """mean += (1 - keep_mean) (g - mean);  square = keep_square square + add_square g^2;
    weight -= rate mean / (sqrt(square) + epsilon), square starting at `start`."""

    keep_mean: float
    keep_square: float
    add_square: float
    start: float
    epsilon: float


# The constants of Keras 2.8, with which the published networks were trained.
RULES = {
    "adam": Rule(0.9, 0.999, 0.001, 0.0, 1e-7),
    "rmsprop": Rule(0.0, 0.9, 0.1, 0.0, 1e-7),
    "adagrad": Rule(0.0, 1.0, 1.0, 0.1, 1e-7),
    "sgd": Rule(0.0, 1.0, 0.0, 1.0, 0.0),
}


class Optimizer:
    """Optimisers of a stack of networks, each with its own rule, rate, schedule and weight decay.

    Weight decay adds decay * sum(R^2) of the recurrent kernel R to the loss, for every cell type.
    """

    def __init__(self, specs: Sequence[Mapping[str, Any]], weights: Mapping[str, Tensor]) -> None:
        device = next(iter(weights.values())).device
        self.specs = [dict(spec) for spec in specs]
        self.rules = [RULES[spec["optimizer"]] for spec in specs]
        columns = torch.tensor(self.rules, dtype=torch.float64).T[..., None, None]
        self.columns = Rule(*columns.float().to(device))
        decay = torch.tensor([float(spec["weight_decay"]) for spec in specs])
        self.decay = decay[:, None, None].to(device)
        self.mean = {k: torch.zeros_like(w) for k, w in weights.items()}
        self.square = {k: torch.zeros_like(w) + self.columns.start for k, w in weights.items()}

    def rates(self, step: int) -> Tensor:
        """Each network's rate at `step`: schedule and Adam's correction of its bias included."""
        return torch.tensor([_rate(spec, step) for spec in self.specs])

    @torch.no_grad()
    def update(
        self,
        weights: Mapping[str, Tensor],
        gradients: Sequence[Tensor],
        rates: Tensor,
        alive: Tensor,
    ) -> None:
        """One step of every network that is `alive` (network, 1, 1); the others stay."""
        for (name, weight), gradient in zip(weights.items(), gradients, strict=True):
            decay = 2 * self.decay if name == "recurrent" else torch.zeros_like(self.decay)
            tensors = gradient.contiguous(), weight, self.mean[name], self.square[name]
            step = self._in_kernel if kernels.usable(*tensors) else self._in_torch
            step(tensors, decay, rates, alive)

    def _in_kernel(self, tensors, decay: Tensor, rates: Tensor, alive: Tensor) -> None:
        count = tensors[0][0].numel()
        for k in alive.flatten().nonzero().flatten().tolist():
            rule = self.rules[k]
            constants = rule.keep_mean, rule.keep_square, rule.add_square, rule.epsilon
            pointers = (tensor[k].data_ptr() for tensor in tensors)
            kernels.library().update(count, rates[k], decay[k], *constants, *pointers)

    def _in_torch(self, tensors, decay: Tensor, rates: Tensor, alive: Tensor) -> None:
        gradient, weight, mean, square = tensors
        rule = self.columns
        gradient = torch.where(alive, torch.addcmul(gradient, weight, decay), 0.0)
        mean.lerp_(gradient, 1 - rule.keep_mean)
        square.mul_(rule.keep_square).add_(rule.add_square * gradient.square())
        rates = (rates[:, None, None] * alive).to(weight.dtype)
        weight.sub_(rates * mean / (square.sqrt() + rule.epsilon))


def schedule(name: str, step: int, steps: int) -> float:
    """Factor on the learning rate: 1, or half a cosine from 1 to 0 over the training."""
    return 1.0 if name == "constant" else 0.5 * (1 + math.cos(math.pi * step / steps))


def _rate(spec: Mapping[str, Any], step: int) -> float:
    rate = spec["learning_rate"] * schedule(spec["schedule"], step, spec["steps"])
    if spec["optimizer"] != "adam":
        return rate
    rule = RULES["adam"]
    correction = math.sqrt(1 - rule.keep_square ** (step + 1)) / (1 - rule.keep_mean ** (step + 1))
    return rate * correction
