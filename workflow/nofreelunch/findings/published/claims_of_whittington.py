"""The sentences of Whittington et al. on links that were never used, and on cells g and p."""

from __future__ import annotations

import numpy as np
import xarray as xr

from nofreelunch.findings import verdicts
from nofreelunch.findings.published.claim_parts import said
from nofreelunch.findings.published.groups_of_whittington import of_whittington
from nofreelunch.findings.published.model_measures import mean, specs
from nofreelunch.findings.verdicts import Claim, Evidence, counted, few_seeds, judge, percent
from nofreelunch.scoring.significance import LEVEL

WHITTINGTON = "Whittington et al. (2020)"
FEWEST_NODES = 8  # along an edge, as in the smallest environments of the paper


def links_that_were_never_used(summary: xr.Dataset) -> Claim:
    """Ta. Accuracy at visited nodes at the end of unused edges, less the better agent's; `side`.

    The edge agent can only guess there. The symbol agent knows which symbols there are.
    """
    (_, found), (_, drawn) = of_whittington(summary)
    accuracy = found["link_accuracy"]
    agents = accuracy.sel(agent=["edge", "symbol"]).max("agent")
    gain = (accuracy.sel(agent="network") - agents).values
    return judge(
        "Ta",
        "Where an edge that was never used leads to a visited node, the model predicts the node's "
        "symbol better than agents do that remember edges, or symbols.",
        said("far better, by a plot", WHITTINGTON),
        counted(gain.size),
        Evidence(verdicts.over_seeds(gain), "difference", verdicts.side(1)),
        None,
        [few_seeds(gain.size)],
        f"{_accuracies(found, 'link_accuracy')} Untrained: {_accuracy(drawn, 'link_accuracy')}.",
        about_units=False,
    )


def accuracy_follows_nodes(summary: xr.Dataset) -> Claim:
    """Tb. How much nearer the accuracy is to the node agent's than to the edge agent's; `side`.

    By the curves against the shares of nodes visited and of edges used, whose distances are mean
    absolute differences in which all tenths count equally; and by the accuracy over all steps. The
    one that supports the claim less decides.
    """
    (_, found), _ = of_whittington(summary)
    over_all = found["accuracy"]
    apart = {
        agent: abs(over_all.sel(agent="network") - over_all.sel(agent=agent)).values
        for agent in ("edge", "node")
    }
    gains = {
        "the curves": verdicts.over_seeds(
            (distance(found, "edge") - distance(found, "node")).values
        ),
        "accuracy over all steps": verdicts.over_seeds(apart["edge"] - apart["node"]),
    }
    which, gain = verdicts.least_favourable(gains, 1)
    return judge(
        "Tb",
        "Accuracy follows how many nodes were visited, and not how many edges were used.",
        said("accuracy on that of the node agent, by a plot", WHITTINGTON),
        counted(gain.count),
        Evidence(gain, "difference", verdicts.side(1)),
        None,
        [few_seeds(gain.count)],
        f"By {which}. Over all steps: {_accuracies(found, 'accuracy')} The curves lie "
        f"{percent(mean(distance(found, 'node')))} from the node agent's, and "
        f"{percent(mean(distance(found, 'edge')))} from the edge agent's.",
        about_units=False,
    )


def distance(networks: xr.Dataset, agent: str) -> xr.DataArray:
    """Mean distance (network,) of the accuracy from an agent's, over both curves."""
    curves = [networks[f"accuracy_by_{share}"] for share in ("nodes", "edges")]
    apart = [abs(c.sel(agent="network") - c.sel(agent=agent)).mean("share") for c in curves]
    return (apart[0] + apart[1]) / 2


def structure_is_preserved(summary: xr.Dataset) -> Claim:
    """Tc. How well correlations between cells are preserved, for cells g less for p; `side`."""
    (_, found), (_, drawn) = of_whittington(summary)
    gain = (found["preserved"].sel(code="g") - found["preserved"].sel(code="p")).values
    return judge(
        "Tc",
        "From one environment to another, spatial correlations between cells g are preserved more "
        "than those between cells p.",
        said("preserved in g, weakly in p, by correlations", WHITTINGTON),
        counted(gain.size),
        Evidence(verdicts.over_seeds(gain), "score", verdicts.side(1)),
        None,
        [few_seeds(gain.size)],
        f"Correlation between environments of two sizes: {_preserved(found)} Untrained: "
        f"{_preserved(drawn)}",
    )


def cells_are_periodic(summary: xr.Dataset) -> Claim:
    """Td. Share of cells g whose map turns into itself more than random maps, less 5 %; `side`.

    Single bumps have this symmetry as well, and bands have not, so it is not what the paper says.
    """
    (_, found), (_, drawn) = of_whittington(summary)
    nodes = min((spec["sides"]["most"] for spec in specs(summary)), default=0)
    small = f"Needs {FEWEST_NODES} nodes along an edge, found {nodes}: too few periods fit."
    share = found["turning_share"].mean("size").values
    return judge(
        "Td",
        "Cells g are periodic: their maps have the symmetry of the lattice.",
        said("hexagonal and square lattices and bands, by eye", WHITTINGTON),
        counted(share.size),
        None,
        Evidence(verdicts.over_seeds(share - LEVEL), "difference", verdicts.side(1)),
        [small if nodes < FEWEST_NODES else "", few_seeds(share.size)],
        f"{_share(found, 'turning_share').capitalize()} of the cells g that are not flat turn into "
        "themselves more than random maps of equal power at each scale, by their autocorrelograms; "
        "chance has 5 %. A single bump and a border cell have this symmetry too; bands have not. "
        f"By periodograms over the nodes, {_share(found, 'one_wave_share')} have one strong wave, "
        f"as bands have (untrained {_share(drawn, 'one_wave_share')}), and the others more, as "
        "lattices have.",
    )


def _share(networks: xr.Dataset, name: str) -> str:
    """Share of the active cells g of both sizes."""
    return verdicts.mean_percent(networks[name].mean("size").values) or "none"


def _accuracy(networks: xr.Dataset, name: str, agent: str = "network") -> str:
    return verdicts.mean_percent(networks[name].sel(agent=agent).values) or "unknown"


def _accuracies(networks: xr.Dataset, name: str) -> str:
    names = ("network", "symbol", "edge", "node")
    found = [_accuracy(networks, name, agent) for agent in names]
    return (
        f"networks {found[0]}, symbol agent {found[1]}, edge agent {found[2]}, "
        f"node agent {found[3]}."
    )


def _preserved(networks: xr.Dataset) -> str:
    values = {code: mean(networks["preserved"].sel(code=code)) for code in ("g", "p")}
    if not np.isfinite(list(values.values())).all():
        return "unknown, because cells are flat."
    parts = [f"{value:.2f} for {code}".replace("-", "−") for code, value in values.items()]
    return ", ".join(parts) + "."


TESTS = (
    links_that_were_never_used,
    accuracy_follows_nodes,
    structure_is_preserved,
    cells_are_periodic,
)
