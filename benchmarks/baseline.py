"""What the engine is compared with: one network, trained as one would write it in plain PyTorch.

The equations are the engine's. A ReLU RNN without biases starts from a linear image of the
place-cell code of its first position and sees one displacement per step. It learns the difference
of softmaxes by cross-entropy, with Adam and weight decay on the recurrent kernel.

Torch does the rest: its own recurrence, loss, automatic differentiation and optimiser. Of two ways
to write a thing in plain PyTorch, the baseline has the one that is faster on a CPU: time comes
first, squared distances come from `torch.cdist`, and Adam is fused.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from nofreelunch.task.trajectories import ARENA
from torch import Tensor, nn

BATCH = 200  # trajectories
WIDTH, SURROUND = 0.12, 0.24  # m; of a place field and its surround
LEARNING_RATE, WEIGHT_DECAY = 2e-3, 1e-4


class Baseline:
    """A network of `units` units and `cells` place cells, and a pool of walks to learn from.

    `walks` is (trajectory, time, axis) in m, float32.
    """

    def __init__(self, walks: Tensor, units: int, cells: int, batch: int = BATCH) -> None:
        self.walks, self.cells, self.batch = walks, cells, batch
        self.centres = (torch.rand(cells, 2) - 0.5) * ARENA
        self.rnn = nn.RNN(2, units, nonlinearity="relu", bias=False)
        self.encoder = nn.Linear(cells, units, bias=False)
        self.decoder = nn.Linear(units, cells, bias=False)
        modules = self.rnn, self.encoder, self.decoder
        weights = [weight for module in modules for weight in module.parameters()]
        self.optimizer = torch.optim.Adam(weights, lr=LEARNING_RATE, eps=1e-7, fused=True)

    @torch.no_grad()
    def encode(self, position: Tensor) -> Tensor:
        """Place-cell code (..., cell) of positions (..., 2) in m: the difference of softmaxes."""
        distance = torch.cdist(position, self.centres).square()
        centre = torch.softmax(-distance / (2 * WIDTH**2), -1)
        surround = torch.softmax(-distance / (2 * SURROUND**2), -1)
        code = centre - surround
        code = code - code.amin(-1, keepdim=True)
        return code / code.sum(-1, keepdim=True)

    def step(self) -> None:
        """Take one training step on a minibatch from the pool."""
        chosen = torch.randint(len(self.walks), (self.batch,))
        self.learn(self.walks[chosen].transpose(0, 1).contiguous())

    def learn(self, position: Tensor) -> float:
        """Take one training step on positions (time, sample, 2); returns the loss without decay."""
        code = self.encode(position)
        start = self.encoder(self.cells * code[0])
        activity, _ = self.rnn(position[1:] - position[:-1], start[None])
        output = self.decoder(activity)
        loss = F.cross_entropy(output.flatten(0, 1), code[1:].flatten(0, 1))
        decay = WEIGHT_DECAY * self.rnn.weight_hh_l0.square().sum()
        self.optimizer.zero_grad()
        (loss + decay).backward()
        self.optimizer.step()
        return float(loss.detach())
