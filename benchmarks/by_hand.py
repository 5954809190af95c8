"""What a training step could cost: the engine's step, written out for one kind of network.

The network is a ReLU RNN without biases, masks, dropout or a stack. Every gradient is spelt out,
every product is written to memory that is reused, and everything else is a compiled kernel of the
engine.

The engine takes longer than this because it can train all other networks too. This takes longer
than its matrix products because of libraries and memory.
"""

from __future__ import annotations

import torch
from nofreelunch.compute import kernels
from nofreelunch.training import loop
from torch import Tensor

CLAMP = torch.ops.aten.threshold_backward.grad_input


class ByHand:
    """Goes on training the one network of `networks`, a stack on the CPU."""

    def __init__(self, networks: loop.TrainingStack) -> None:
        self.networks, self.compiled = networks, kernels.library()
        if self.compiled is None:
            raise RuntimeError("a step by hand needs the compiled kernels, and so a C compiler")
        weights = networks.networks.weights
        self.weights = {name: weight.detach()[0] for name, weight in weights.items()}
        self.gradients = {name: torch.empty_like(weight) for name, weight in self.weights.items()}
        self.shares = networks.minibatches.weights[0]
        time, sample = self.shares.shape
        units, cells = self.weights["decoder"].shape
        self.states, self.slopes = torch.empty(2, time, sample, units)
        self.logits, self.of_logits = torch.empty(2, time * sample, cells)
        self.of_start = torch.empty(sample, units)

    @torch.no_grad()
    def advance(self, step: int) -> float:
        """Take one training step; returns its loss."""
        stack, w, g = self.networks, self.weights, self.gradients
        position, _ = stack.minibatches.draw(step)
        start = stack.target.encode(position[:, 0])[0] * stack.networks.encoder_scale[0]
        code = stack.target.encode(position[:, 1:])[0]
        velocity = (position[0, 1:] - position[0, :-1]).flatten(0, 1)
        states, slopes = self.states.flatten(0, 1), self.slopes.flatten(0, 1)

        first = start @ w["encoder"]
        torch.mm(velocity, w["input"], out=states)
        before = first
        for now in self.states.unbind():
            before = now.addmm_(before, w["recurrent"]).relu_()
        torch.mm(states, w["decoder"], out=self.logits)
        loss = self._cross_entropy(code)

        torch.mm(states.T, self.of_logits, out=g["decoder"])
        torch.mm(self.of_logits, w["decoder"].T, out=slopes)
        for t in range(len(self.slopes) - 1, -1, -1):
            now = CLAMP(self.slopes[t], self.states[t], 0, grad_input=self.slopes[t])
            if t:
                self.slopes[t - 1].addmm_(now, w["recurrent"].T)
        torch.mm(self.slopes[0], w["recurrent"].T, out=self.of_start)
        torch.mm(first.T, self.slopes[0], out=g["recurrent"])
        rest = len(first)
        g["recurrent"].addmm_(states[:-rest].T, slopes[rest:])
        torch.mm(velocity.T, slopes, out=g["input"])
        torch.mm(start.T, self.of_start, out=g["encoder"])
        self._update(stack.optimizer, step)
        return loss

    def _cross_entropy(self, code: Tensor) -> float:
        tensors = self.logits, code, self.shares, self.of_logits
        pointers = (tensor.data_ptr() for tensor in tensors)
        rows, cells = self.logits.shape
        return self.compiled.cross_entropy(rows, cells, cells, *pointers)

    def _update(self, optimizer, step: int) -> None:
        rate, rule = float(optimizer.rates(step)), optimizer.rules[0]
        for name, weight in self.weights.items():
            decay = 2 * float(optimizer.decay) if name == "recurrent" else 0.0
            constants = rule.keep_mean, rule.keep_square, rule.add_square, rule.epsilon
            tensors = self.gradients[name], weight, optimizer.mean[name], optimizer.square[name]
            pointers = (tensor.data_ptr() for tensor in tensors)
            self.compiled.update(weight.numel(), rate, decay, *constants, *pointers)
