"""What Tolman-Eichenbaum Machines predict in fresh environments, and maps of their cells there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch.nn.functional import one_hot

from nofreelunch import seeds
from nofreelunch.evaluation.graph_agents import Known, known_of
from nofreelunch.networks.published.hebbian_memory import FULL
from nofreelunch.networks.published.whittington import Machines
from nofreelunch.networks.published.whittington_sizes import Sizes, weight_shapes
from nofreelunch.scoring.node_scores import FLAT, Nodes, score_nodes
from nofreelunch.task.graph_walks import Environment, environment, graph_of

ENVIRONMENTS = 16  # of each size, for each network
STEPS = 25  # per node of the graph
SETTLING = 5  # of these steps, before activity counts in maps
SURROGATES = 200  # random maps per unit
BINS = 10  # of shares of nodes, or of edges
AGENTS = ("network", "node", "edge", "symbol")


def measure(trained: xr.Dataset, seed: int) -> xr.Dataset:
    """Predictions and maps of trained networks, in environments of the two largest sizes.

    Args:
        trained: from `train_published`.
        seed: of the environments. Each network has its own.

    Returns:
        Accuracies over all steps but the first, for the network and for agents that remember
        nodes, edges or symbols; where an agent knows nothing it counts as guessing. See `Known`.
        Those of a diverged network are NaN.

        - `accuracy` (network, agent); `link_accuracy` (network, agent): at steps that reach a
          visited node by an edge that was never used; `link_steps` (network): number of these.
        - `accuracy_by_nodes`, `accuracy_by_edges` (network, agent, share): where that share of
          nodes was visited, or of edges used; NaN where no step was.
        - `preserved` (network, code): correlation, over pairs of cells, of their spatial
          correlations in an environment of one size with those in one of the other size; the mean
          over environments, for cells g and p.
        - `node_map` (network, size, unit, node): mean activity of each cell g at each node, in the
          first environment of a size; NaN at nodes that the graph has not.
        - `node_position` (size, node, axis), in distances of neighbours.
        - (network, size, unit): what `score_nodes` says of these maps.
    """
    specs = [json.loads(str(text)) for text in trained["spec"].values]
    size = Sizes.of(specs[0])
    weights = {k: torch.from_numpy(trained[f"weight_{k}"].values) for k in weight_shapes(size)}
    machines, largest = Machines(size, weights), specs[0]["sides"]["most"]
    runs = [_Run(machines, specs, side, seed) for side in (largest - 1, largest)]
    found = xr.concat(
        [run.scores(seed) for run in runs], "size", join="outer", compat="no_conflicts"
    )
    found = found.assign_coords(size=[largest - 1, largest])
    accuracies = _accuracies(runs, size.symbols)
    preserved = [_preserved(*(run.maps[code] for run in runs)) for code in ("g", "p")]
    codes = xr.DataArray(np.stack(preserved, 1), dims=("network", "code"))
    accuracies["preserved"] = codes.assign_coords(code=["g", "p"])
    diverged = trained["diverged"].drop_vars(("network", "spec"), errors="ignore")
    found = found.assign({name: values.where(~diverged) for name, values in accuracies.items()})
    kept = trained[["diverged", "spec"]]
    found = found.assign_coords(network=trained["network"]).merge(kept)
    return found.transpose("network", ...)


class _Run:
    """Networks in environments of one size.

    Attributes:
        environments: (network, row) as nested lists.
        right: whether the network predicted the symbol, (network, row, step).
        maps: mean activity at each node, (network, row, node, cell), of cells "g" and "p".
    """

    def __init__(
        self, machines: Machines, specs: Sequence[Mapping[str, Any]], side: int, seed: int
    ) -> None:
        chunk = specs[0]["sequence_length"]
        self.environments = [
            [_environment(spec, side, seed, row) for row in range(ENVIRONMENTS)] for spec in specs
        ]
        self.graph = self.environments[0][0].graph
        node, action, symbol = (
            torch.from_numpy(np.array([[get(e) for e in rows] for rows in self.environments]))
            for get in (
                lambda e: e.walk.node,
                lambda e: e.walk.action,
                lambda e: e.symbol[e.walk.node],
            )
        )
        count, settled = len(self.graph.cells), SETTLING * len(self.graph.cells)
        state, right = machines.empty(ENVIRONMENTS), []
        fresh = torch.ones(node.shape[:2], dtype=torch.bool)
        visits = torch.zeros(*node.shape[:2], count, 1)
        sums = {
            "g": torch.zeros(*node.shape[:2], count, machines.sizes.grid),
            "p": torch.zeros(*node.shape[:2], count, machines.sizes.place),
        }
        with torch.no_grad():
            for first in range(0, node.shape[2], chunk):
                steps = slice(first, first + chunk)
                state = machines.enter(state, fresh & (first == 0))
                latents, state = machines.run(state, action[..., steps], symbol[..., steps], FULL)
                guess = machines.read_out(latents.by_generated).argmax(-1)
                right.append(guess.mT == symbol[..., steps])
                here = one_hot(node[..., steps], count).float()
                here = here * (torch.arange(first, first + here.shape[2]) >= settled)[:, None]
                visits += here.sum(2)[..., None]
                for code, activity in (("g", latents.grid), ("p", latents.place)):
                    sums[code] += torch.einsum("nbtk,ntbc->nbkc", here, activity)
        self.right = torch.cat(right, 2).numpy()
        self.maps = {code: (total / visits).numpy() for code, total in sums.items()}

    def scores(self, seed: int) -> xr.Dataset:
        """Maps of cells g in the first environment, and what `score_nodes` says of them."""
        graph, maps = self.graph, self.maps["g"][:, 0].swapaxes(1, 2)
        nodes = Nodes(graph.position, graph.cells, graph.turn, graph.degrees, graph.neighbour)
        scores = [
            score_nodes(of_network, nodes, SURROGATES, seed + number)
            for number, of_network in enumerate(maps)
        ]
        labels = {"node": np.arange(len(graph.cells))}
        return (
            xr.concat(scores, "network")
            .assign(
                node_map=(("network", "unit", "node"), maps),
                node_position=(("node", "axis"), graph.position),
            )
            .assign_coords(labels)
        )


def _environment(spec: Mapping[str, Any], side: int, seed: int, row: int) -> Environment:
    random = seeds.generator(seed, seeds.TEST_GRAPHS, spec["seed"], side, row)
    chunk, nodes = spec["sequence_length"], len(graph_of(spec["graph"], side).cells)
    steps = -(-STEPS * nodes // chunk) * chunk  # whole chunks
    return environment(spec["graph"], [side], spec["symbols"], steps, random)


def _accuracies(runs: Sequence[_Run], symbols: int) -> dict[str, xr.DataArray]:
    """Accuracies of networks and agents over all environments of both sizes."""
    networks = range(len(runs[0].environments))
    rows = [_of_network(runs, k, symbols) for k in networks]
    found = xr.concat(rows, "network").assign_coords(agent=list(AGENTS))
    middles = (np.arange(BINS) + 0.5) / BINS
    found = found.assign_coords(share=middles)
    return {str(name): found[name] for name in found.data_vars}


def _of_network(runs: Sequence[_Run], network: int, symbols: int) -> xr.Dataset:
    """Accuracies of one network and of the agents on its walks."""
    known, right = [], []
    for run in runs:
        for row, one in enumerate(run.environments[network]):
            known.append(Known(*(values[1:] for values in known_of(one))))
            right.append(run.right[network, row, 1:])
    every = Known(*(np.concatenate(parts) for parts in zip(*known, strict=True)))
    guess = 1 / symbols
    agents = [np.where(knows, 1.0, guess) for knows in (every.node, every.edge)]
    correct = np.stack([np.concatenate(right), *agents, every.symbols])
    curves = {name: _binned(correct, getattr(every, name)) for name in ("nodes", "edges")}
    return xr.Dataset(
        {
            "accuracy": ("agent", correct.mean(1)),
            "link_accuracy": ("agent", _mean(correct[:, every.link])),
            "link_steps": int(every.link.sum()),
            **{f"accuracy_by_{name}": (("agent", "share"), c) for name, c in curves.items()},
        }
    )


def _binned(values: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Means (row, bin) of values (row, step) in `BINS` equal bins of a share (step,)."""
    bins = np.minimum((share * BINS).astype(int), BINS - 1)
    return np.stack([_mean(values[:, bins == k]) for k in range(BINS)], 1)


def _mean(values: np.ndarray) -> np.ndarray:
    """Means over the last axis; NaN where it is empty."""
    return values.mean(-1) if values.shape[-1] else np.full(values.shape[:-1], np.nan)


def _preserved(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How alike correlations between cells are in two sets of environments, (network,).

    Args:
        one: maps (network, row, node, cell).
        other: maps of the same cells in other environments, perhaps with other nodes.
    """
    return np.array(
        [
            _mean(
                np.array([v for pair in zip(*rows, strict=True) if np.isfinite(v := _alike(*pair))])
            )
            for rows in zip(one, other, strict=True)
        ]
    )


def _alike(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation of the cells' correlations in two environments; NaN for fewer than three cells.

    Cells that are flat in one of them are left out.
    """
    maps = [np.where(np.isfinite(m), m, np.nanmean(m, 0)) for m in (one, other)]
    active = (maps[0].std(0) > FLAT) & (maps[1].std(0) > FLAT)
    if active.sum() < 3:
        return float("nan")
    above = np.triu_indices(int(active.sum()), 1)
    pairs = [np.corrcoef(m[:, active], rowvar=False)[above] for m in maps]
    return float(np.corrcoef(np.stack(pairs))[0, 1])
