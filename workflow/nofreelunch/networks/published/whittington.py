"""The Tolman-Eichenbaum Machine of Whittington et al., "The Tolman-Eichenbaum Machine: unifying
space and relational memory through generalization in the hippocampal formation" (Cell 2020).

The network is told actions and symbols, and predicts the next symbol. Its code g of where it is
follows the actions and is the same in all environments. Its code p ties g to symbols, and is stored
in Hebbian memories that begin empty in each environment. As in the paper's results, only means are
computed; nothing is sampled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, elu, one_hot, pad

from nofreelunch.networks.published.hebbian_memory import Memory, Strengths, squash
from nofreelunch.networks.published.whittington_sizes import Fixed, Sizes

SPREAD, OFFSET = 6.0, -2.0  # of the logarithms of standard deviations
UNUSED = 10_000.0  # added to a standard deviation of what is not yet to be trusted
COST_G, COST_P = 0.01, 0.02


class State(NamedTuple):
    """What a network carries from one chunk of steps to the next.

    g (network, row, cell); filtered symbols (network, row, module, place); and two memories
    (network, row, from, to), which g and symbols retrieve from.
    """

    grid: Tensor
    filtered: Tensor
    by_grid: Tensor
    by_symbol: Tensor

    def detached(self) -> State:
        """The same numbers, through which no gradient flows."""
        return State(*(tensor.detach() for tensor in self))


class Latents(NamedTuple):
    """Codes of a chunk, all (network, time, row, cell).

    `grid` is g as inferred, `generated` is g as the action alone gives it. `place` is p, and the
    others are what the memories retrieve: from g, from g as generated, and from the symbol.
    """

    grid: Tensor
    generated: Tensor
    place: Tensor
    by_grid: Tensor
    by_generated: Tensor
    by_symbol: Tensor


@dataclass
class Machines:
    """Tolman-Eichenbaum Machines that run side by side.

    Args:
        sizes: of each of them.
        weights: by name, (network, inputs, outputs), from `initialize`.
    """

    sizes: Sizes
    weights: Mapping[str, Tensor]

    def empty(self, rows: int) -> State:
        """The state before the first environment, of that many rows."""
        first = self.weights["prior"]
        size, modules = self.sizes, len(self.sizes.modules)
        shapes = (size.grid,), (modules, size.code), (size.place,) * 2, (size.place,) * 2
        return State(*(first.new_zeros(len(first), rows, *shape) for shape in shapes))

    def enter(self, state: State, fresh: Tensor) -> State:
        """The state with g at its prior and all else empty in rows that are `fresh`.

        `fresh` (network, row) says which rows begin a new environment.
        """
        kept = State(*(t * ~fresh.view(*fresh.shape, *[1] * (t.dim() - 2)) for t in state))
        return kept._replace(grid=kept.grid + fresh[..., None] * self.weights["prior"])

    def run(
        self, state: State, action: Tensor, symbol: Tensor, strengths: Strengths
    ) -> tuple[Latents, State]:
        """Codes of a chunk of steps, and the state after it.

        Args:
            state: from `enter`.
            action: that led to each step, (network, row, time); the largest number stays.
            symbol: that was found there, (network, row, time).
            strengths: see `Strengths`.
        """
        fixed, moves = self.fixed, self.transitions()
        within = {name: self.weights[name] * mask for name, mask in fixed.masks.items()}
        filtered, cues = self.filter(state.filtered, symbol)
        grid, modules = state.grid, len(self.sizes.modules)
        blocks, everything = self.sizes.blocks, [slice(0, self.sizes.place)]
        by_grid = Memory(state.by_grid, blocks, range(modules, 0, -1), strengths)
        by_symbol = Memory(state.by_symbol, everything, [1] * modules, strengths)
        found = []
        for t, cue in enumerate(cues.unbind(2)):
            generated = self.move(grid, action[..., t], moves)
            of_symbol = by_symbol.retrieve(squash(cue).unsqueeze(2)).squeeze(2)
            grid = self.infer(within, generated, of_symbol, symbol[..., t], strengths.latent)
            both = torch.stack([grid, generated], 2) @ fixed.project
            place = squash(both[:, :, 0] * cue)
            of_grid, of_generated = by_grid.retrieve(squash(both)).unbind(2)
            by_grid.write(place, of_grid)
            by_symbol.write(place, of_symbol)
            found.append((grid, generated, place, of_grid, of_generated, of_symbol))
        latents = Latents(*(torch.stack(steps, 1) for steps in zip(*found, strict=True)))
        return latents, State(grid, filtered, by_grid.at_end(), by_symbol.at_end())

    def transitions(self) -> Tensor:
        """W of every action, (network, cell before, action, cell after); zero for staying.

        It connects the cells of each module alone.
        """
        w, size = self.weights, self.sizes
        change = torch.bmm(w["action"].tanh(), w["transition"]).unflatten(2, (size.grid,) * 2)
        return pad(change.transpose(1, 2) * self.fixed.within, (0, 0, 0, 1))

    def move(self, grid: Tensor, action: Tensor, moves: Tensor) -> Tensor:
        """g after an action, before anything is seen: clip(g + g W, -1, 1)."""
        ways = torch.bmm(grid, moves.flatten(2)).unflatten(2, moves.shape[2:])
        chosen = one_hot(action, moves.shape[2]).to(ways.dtype)
        return (grid + torch.einsum("nbac,nba->nbc", ways, chosen)).clamp(-1, 1)

    def filter(self, before: Tensor, symbol: Tensor) -> tuple[Tensor, Tensor]:
        """Filtered symbols at the end of a chunk, and cues (network, row, time, place cell).

        Each module smooths the compressed symbol over a time of its own. The part above the mean,
        at unit length and scaled, is the cue of all phases of the module.
        """
        keep = self.weights["smoothing"].sigmoid()[..., None]  # (network, 1, module, 1)
        smooth, current = [], before
        for code in self.fixed.codes[symbol].unbind(2):
            current = keep * current + (1 - keep) * code[:, :, None]
            smooth.append(current)
        series = torch.stack(smooth, 2)
        above = (series - series.mean(-1, keepdim=True)).relu()
        unit = above / above.norm(dim=-1, keepdim=True).clamp_min(1e-6)
        scaled = self.weights["gain"].sigmoid()[:, :, None, :, None] * unit
        return current, scaled.flatten(-2) @ self.fixed.tile

    def infer(
        self,
        within: Mapping[str, Tensor],
        generated: Tensor,
        of_symbol: Tensor,
        symbol: Tensor,
        latent: float,
    ) -> Tensor:
        """g from the action and from what the symbol retrieves, weighed by their precisions.

        `within` has the weights of layers that connect the cells of each module alone.
        """

        def layer(name: str, inputs: Tensor) -> Tensor:
            return torch.baddbmm(self.weights[f"{name}_bias"], inputs, within[name])

        path = SPREAD * layer("path_spread", layer("path_hidden", generated).tanh()).tanh() + OFFSET
        hidden = elu(layer("memory_hidden", of_symbol @ self.fixed.phases))
        seen = layer("memory_grid", hidden).clamp(-1, 1)
        with torch.no_grad():
            wrong = self.read_out(of_symbol).softmax(-1) - one_hot(symbol, self.sizes.symbols)
            error = 0.5 * wrong.square().sum(-1, keepdim=True)
        facts = torch.cat([seen.square() @ self.fixed.members, error], -1)
        hidden = layer("trust_hidden", facts).tanh()
        memory = SPREAD * layer("trust_spread", hidden).tanh() + OFFSET
        memory = (memory.exp() + UNUSED * (1 - latent)).log()
        return torch.lerp(generated, seen, (2 * (path - memory)).sigmoid())

    def read_out(self, place: Tensor) -> Tensor:
        """Logits of symbols from p (network, ..., cell), of which the first module alone counts."""
        w, flat = self.weights, place.flatten(1, -2)
        summed = w["read_scale"] * (flat @ self.fixed.first) + w["read_shift"]
        hidden = elu(torch.baddbmm(w["read_hidden_bias"], summed, w["read_hidden"]))
        logits = torch.baddbmm(w["read_out_bias"], hidden, w["read_out"])
        return logits.unflatten(1, place.shape[1:-1])

    @cached_property
    def fixed(self) -> Fixed:
        """What the sizes alone determine, on the device of the weights."""
        return Fixed.of(self.sizes, self.weights["prior"].device)


class Losses(NamedTuple):
    """Losses at each step, (network, time, row).

    `predicted`: cross-entropy of the symbol, from g as generated. `total`: all parts together.
    """

    predicted: Tensor
    total: Tensor


def losses(machines: Machines, found: Latents, symbol: Tensor, strengths: Strengths) -> Losses:
    """Losses at each step.

    Three cross-entropies of the symbol: from p, and from what g and g as generated retrieve. The
    latent losses, halves of squared differences, draw p and what is retrieved together, and g and g
    as generated.

    Args:
        machines: the networks.
        found: from `run`.
        symbol: (network, row, time).
        strengths: of the update.
    """
    truth = symbol.mT  # (network, time, row)

    def surprise(place: Tensor) -> Tensor:
        logits = machines.read_out(place)
        return cross_entropy(logits.flatten(0, -2), truth.flatten(), reduction="none").view_as(
            truth
        )

    def apart(one: Tensor, other: Tensor) -> Tensor:
        return 0.5 * (one - other).square().sum(-1)

    predicted = surprise(found.by_generated)
    latent = apart(found.place, found.by_grid) + apart(found.grid, found.generated)
    latent = latent + strengths.symbol * apart(found.place, found.by_symbol)
    costs = COST_G * found.grid.square().sum(-1)
    costs = costs + COST_P * strengths.sparseness * found.place.abs().sum(-1)
    seen = surprise(found.place) + surprise(found.by_grid)
    return Losses(predicted, predicted + seen + strengths.latent * latent + costs)
