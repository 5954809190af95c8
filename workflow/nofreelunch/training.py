"""Train a cohort: networks of equal shapes, side by side, one optimiser step for all at a time.

Every random number belongs to a network: its seed names its place cells, weights, minibatches and
dropout, so that a network is the same whichever cohort it is trained in.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from nofreelunch import networks, targets
from nofreelunch.cohorts import Cohort
from nofreelunch.trajectories import apply_symmetry

MINIBATCH_STREAM, DROPOUT_STREAM = 2, 3
CURVE_POINTS = 100  # points on a learning curve
CURVE_TRAJECTORIES = 20  # of a minibatch that its position error is taken over; decoding is slow
BLOCK = 64  # steps whose minibatch indices are drawn at a time
SECONDS_BETWEEN_LINES = 15.0

# The optimisers' constants in Keras 2.8, with which the published networks were trained.
ADAM_MEAN, ADAM_SQUARE, RMSPROP_SQUARE, ADAGRAD_START, EPSILON = 0.9, 0.999, 0.9, 0.1, 1e-7

log = logging.getLogger(__name__)


def train(cohort: Cohort, trajectories: xr.Dataset, device: str = "auto") -> xr.Dataset:
    """Train the networks of `cohort` on minibatches from a pool of trajectories.

    Args:
        cohort: networks with equal shapes; see `nofreelunch.cohorts`.
        trajectories: pool with `position` (trajectory, time, axis) in m, of the cohort's sequence
            length, and the arena's side as attribute `arena`.
        device: "cpu", "cuda" or "auto" (CUDA where there is one).

    Returns:
        Weights `weight_<name>` (network, ...), learning curves `loss` (mean loss of the minibatch,
        without weight decay) and `position_error` (m) against `step`, `diverged` (network): a
        network whose loss was not finite, frozen from then on, or whose last step left weights
        that are not, and `spec` (network), JSON.

    Raises:
        ValueError: for a pool of another sequence length or a device that is not there.
    """
    specs = [network.spec for network in cohort.networks]
    shared = specs[0]
    pool = Minibatches(trajectories, specs)
    where = choose_device(device)
    torch.set_flush_denormal(True)  # numbers too small to be normal are several times slower
    target = targets.build_stack(specs, [s["seed"] for s in specs], pool.arena)
    stack = networks.initialize(specs, target.cells)
    stack.weights = {k: w.to(where).requires_grad_() for k, w in stack.weights.items()}
    stack.encoder_scale = stack.encoder_scale.to(where)
    target = target.to(where, torch.float32)
    optimizer = Optimizer(specs, stack.weights, where)
    dropout = Dropout(specs, where)
    curve = Curve(cohort.name, shared["steps"])
    alive = torch.ones(len(specs), 1, 1, dtype=torch.bool, device=where)
    for step in range(shared["steps"]):
        position = pool.draw(step).to(where)
        code = target.encode(position)
        activity = stack.run(
            code[:, 0], position[:, 1:] - position[:, :-1], dropout.mask("recurrent", stack)
        )
        output = stack.read_out(dropout.apply(activity))
        loss = target.loss(output, code[:, 1:])
        gradients = torch.autograd.grad(loss.sum(), list(stack.weights.values()))
        alive &= loss.detach().isfinite()[:, None, None]
        optimizer.update(stack.weights, gradients, alive, step)
        if curve.due(step):
            decoded = target.decode(output[:, :, :CURVE_TRAJECTORIES].detach())
            error = decoded - position[:, 1:, :CURVE_TRAJECTORIES]
            error = torch.linalg.vector_norm(error, dim=-1).flatten(1).mean(1)
            curve.record(step, loss.detach(), error)
    return _result(cohort, stack, curve, alive, pool.provenance)


def choose_device(device: str) -> torch.device:
    """The torch device of "auto", "cpu" or "cuda"; ValueError where there is no CUDA."""
    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"compute.device: found {device!r}, allowed: auto, cpu, cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            "compute.device: found 'cuda', but torch sees no CUDA device; "
            "allowed here: auto, cpu (or install a CUDA build of torch)"
        )
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(device)


class Minibatches:
    """Draws minibatches from a pool; each network has its own order.

    The square's eight symmetries multiply the pool, where its attribute `symmetries` says so.
    """

    def __init__(self, pool: xr.Dataset, specs: Sequence[Mapping[str, Any]]) -> None:
        length = specs[0]["sequence_length"]
        if "position" not in pool or "arena" not in pool.attrs:
            raise ValueError(
                "trajectories: need a variable `position` and an attribute `arena` (m)"
            )
        self.position = torch.from_numpy(pool["position"].values).float()
        if self.position.shape[1] != length + 1:
            raise ValueError(
                f"sequence_length: found {length}, but the trajectories have "
                f"{self.position.shape[1] - 1} steps"
            )
        self.arena = float(pool.attrs["arena"])
        self.symmetries = 8 if pool.attrs.get("symmetries", 1) else 1
        self.provenance = {
            "arena": self.arena,
            "pool_seed": pool.attrs.get("seed", "unknown"),
            "pool_trajectories": len(self.position),
            "pool_symmetries": self.symmetries,
        }
        self.batch = specs[0]["batch_size"]
        self.random = [np.random.default_rng([s["seed"], MINIBATCH_STREAM]) for s in specs]

    def draw(self, step: int) -> Tensor:
        """Positions (network, time, sample, axis) in m; call with step = 0, 1, 2 ..."""
        if step % BLOCK == 0:
            size = (BLOCK, self.batch)
            index = [
                r.integers(len(self.position) * self.symmetries, size=size) for r in self.random
            ]
            self.block = torch.from_numpy(np.stack(index, 1))
        index = self.block[step % BLOCK]
        position = self.position[index // self.symmetries]
        if self.symmetries > 1:
            position = apply_symmetry(position, (index % self.symmetries)[..., None])
        return position.transpose(1, 2).contiguous()


class Optimizer:
    """Adam, RMSprop, Adagrad or SGD with a learning rate and weight decay per network.

    Weight decay adds decay * sum(R^2) of the recurrent kernel R to the loss, for every cell type.
    """

    def __init__(self, specs, weights: Mapping[str, Tensor], device: torch.device) -> None:
        per_network = lambda key: torch.tensor(  # noqa: E731
            [float(s[key]) for s in specs], device=device
        )[:, None, None]
        self.kind, self.schedule, self.steps = (
            specs[0][k] for k in ("optimizer", "schedule", "steps")
        )
        self.rate, self.decay = per_network("learning_rate"), per_network("weight_decay")
        start = ADAGRAD_START if self.kind == "adagrad" else 0.0
        self.mean = {k: torch.zeros_like(w) for k, w in weights.items()}
        self.square = {k: torch.full_like(w, start) for k, w in weights.items()}

    @torch.no_grad()
    def update(self, weights: Mapping[str, Tensor], gradients, alive: Tensor, step: int) -> None:
        """One step of every network that is `alive` (network, 1, 1); the others stay."""
        rate = self.rate * alive * schedule(self.schedule, step, self.steps)
        for (name, weight), gradient in zip(weights.items(), gradients, strict=True):
            if name == "recurrent":
                gradient = torch.addcmul(gradient, weight, 2 * self.decay)
            gradient = torch.where(alive, gradient, 0.0)
            weight.sub_(rate * self._direction(name, gradient, step))

    def _direction(self, name: str, gradient: Tensor, step: int) -> Tensor:
        mean, square = self.mean[name], self.square[name]
        if self.kind == "sgd":
            return gradient
        if self.kind == "adagrad":
            return gradient / square.addcmul_(gradient, gradient).sqrt().add_(EPSILON)
        if self.kind == "rmsprop":
            square.lerp_(gradient.square(), 1 - RMSPROP_SQUARE)
            return gradient / square.sqrt().add_(EPSILON)
        mean.lerp_(gradient, 1 - ADAM_MEAN)
        square.mul_(ADAM_SQUARE).addcmul_(gradient, gradient, value=1 - ADAM_SQUARE)
        correction = math.sqrt(1 - ADAM_SQUARE ** (step + 1)) / (1 - ADAM_MEAN ** (step + 1))
        return correction * mean / square.sqrt().add_(EPSILON)


def schedule(name: str, step: int, steps: int) -> float:
    """Factor on the learning rate: 1, or half a cosine from 1 to 0 over the training."""
    return 1.0 if name == "constant" else 0.5 * (1 + math.cos(math.pi * step / steps))


class Dropout:
    """Inverted dropout with rates per network, drawn from each network's own seed.

    `recurrent` drops units of the state as the recurrence sees it, one mask per trajectory;
    `readout` drops units of g as the decoder sees it, anew at every time step.
    """

    def __init__(self, specs: Sequence[Mapping[str, Any]], device: torch.device) -> None:
        self.rates = {
            kind: torch.tensor([float(s["dropout"][kind]) for s in specs])
            for kind in ("readout", "recurrent")
        }
        self.batch, self.device = specs[0]["batch_size"], device
        # One generator per kind: whether a network's readout drops moves no recurrent mask.
        seeds = [np.random.SeedSequence([s["seed"], DROPOUT_STREAM]) for s in specs]
        words = [s.generate_state(2, np.uint64) >> np.uint64(1) for s in seeds]
        self.generators = {
            kind: [torch.Generator().manual_seed(int(pair[i])) for pair in words]
            for i, kind in enumerate(self.rates)
        }

    def mask(self, kind: str, stack: networks.Stack) -> Tensor | None:
        """Factors (network, sample, unit), or None where no network drops."""
        units = stack.weights["recurrent"].shape[1]
        return self._factors(kind, (self.batch, units))

    def apply(self, activity: Tensor) -> Tensor:
        """Activity (network, time, sample, unit) as the decoder sees it."""
        factors = self._factors("readout", tuple(activity.shape[1:]))
        return activity if factors is None else activity * factors

    def _factors(self, kind: str, shape: tuple[int, ...]) -> Tensor | None:
        rates = self.rates[kind]
        if not rates.any():
            return None
        draws = torch.stack([torch.rand(shape, generator=g) for g in self.generators[kind]])
        rates = rates.reshape(-1, *[1] * len(shape))
        return ((draws >= rates) / (1 - rates)).to(self.device)


class Curve:
    """Learning curves, and the progress line that people read while they wait."""

    def __init__(self, name: str, steps: int) -> None:
        self.name, self.steps = name, steps
        self.interval = max(1, steps // CURVE_POINTS)
        self.step: list[int] = []
        self.loss: list[Tensor] = []
        self.error: list[Tensor] = []
        self.begun = self.said = time.monotonic()

    def due(self, step: int) -> bool:
        return step % self.interval == 0 or step == self.steps - 1

    def record(self, step: int, loss: Tensor, error: Tensor) -> None:
        self.step.append(step + 1)
        self.loss.append(loss.cpu())
        self.error.append(error.cpu())
        now = time.monotonic()
        if now - self.said > SECONDS_BETWEEN_LINES or step == self.steps - 1:
            self.said = now
            self._say(step + 1, now - self.begun)

    def _say(self, done: int, seconds: float) -> None:
        speed = done / seconds
        log.info(
            "%s: step %d/%d, loss %.4f, position error %.1f cm, %.1f networks·steps/s, %.0f s left",
            self.name,
            done,
            self.steps,
            float(np.nanmedian(self.loss[-1])),
            100 * float(np.nanmedian(self.error[-1])),
            speed * len(self.loss[-1]),
            (self.steps - done) / speed,
        )


def _result(
    cohort: Cohort, stack: networks.Stack, curve: Curve, alive: Tensor, pool: dict[str, Any]
) -> xr.Dataset:
    weights = {
        f"weight_{k}": (("network", f"{k}_input", f"{k}_output"), w.detach().cpu().numpy())
        for k, w in stack.weights.items()
    }
    finite = [w.isfinite().flatten(1).all(1) for w in stack.weights.values()]
    diverged = ~(alive.flatten() & torch.stack(finite).all(0)).cpu().numpy()
    for network, bad in zip(cohort.networks, diverged, strict=True):
        if bad:
            log.warning("network %s diverged: its loss or its weights were not finite", network.id)
    return xr.Dataset(
        weights
        | {
            "loss": (("network", "checkpoint"), torch.stack(curve.loss, 1).numpy()),
            "position_error": (
                ("network", "checkpoint"),
                torch.stack(curve.error, 1).numpy(),
                {"units": "m"},
            ),
            "diverged": ("network", diverged),
        },
        coords={
            "network": [network.id for network in cohort.networks],
            "spec": (
                "network",
                [json.dumps(dict(n.spec), sort_keys=True) for n in cohort.networks],
            ),
            "step": ("checkpoint", curve.step),
        },
        attrs={"device": str(alive.device), **pool},
    )
