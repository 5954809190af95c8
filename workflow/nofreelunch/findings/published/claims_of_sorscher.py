"""The sentences of Sorscher et al. on factorisations, the LSTM and recurrent networks."""

from __future__ import annotations

import numpy as np
import xarray as xr

from nofreelunch.findings import verdicts
from nofreelunch.findings.published.claim_parts import (
    angles_apart,
    both_counted,
    by_lattice,
    errors_text,
    means_by_seed,
    more_lattices,
    of_seeds,
    said,
    scores_text,
)
from nofreelunch.findings.published.groups_of_sorscher import factors_by_size
from nofreelunch.findings.published.model_measures import lattice_share, mean, select, specs
from nofreelunch.findings.talks import Quantity
from nofreelunch.findings.verdicts import Claim, Evidence, counted, few_seeds, judge, percent
from nofreelunch.scoring.significance import LEVEL
from nofreelunch.scoring.torus import INSTALL

SORSCHER = "Sorscher et al. (2019, 2023)"


def _lattices(
    label: str, sentence: str, networks: xr.Dataset, lattice: str, talk: Quantity, more: str = ""
) -> Claim:
    """That factorisations have one kind of lattice: by scores, and by the share beyond chance.

    First: the score at the lattice's angle less that at the other; `side`. Second: share of maps in
    the lattice's class, less 5 %; `side`. Each seed is one value: the mean over methods and sizes.
    """
    sign = 1 if lattice == "square" else -1
    apart = means_by_seed(networks, sign * angles_apart(networks))
    shares = means_by_seed(networks, lattice_share(networks, lattice))
    return judge(
        label,
        sentence,
        talk,
        of_seeds(networks, called="factorisations"),
        Evidence(verdicts.over_seeds(apart), "score", verdicts.side(1)),
        Evidence(verdicts.over_seeds(shares - LEVEL), "difference", verdicts.side(1)),
        [few_seeds(shares.size)],
        f"{by_lattice(networks)} Chance has 5 % of all three. {scores_text(networks)} {more}",
    )


def _by_seed(networks: xr.Dataset, name: str) -> np.ndarray:
    return means_by_seed(networks, networks[name].values)


def broad_targets_give_squares(summary: xr.Dataset) -> Claim:
    """Sa. Factorisations of Gaussian place fields without a constraint."""
    found = select(summary, kind="factorisation", target="gaussian", method=("svd", "ascent"))
    return _lattices(
        "Sa",
        "Targets without a surround, factorised without a constraint, give square lattices.",
        found,
        "square",
        said("square maps, by eye", SORSCHER),
    )


def constraint_is_needed(summary: xr.Dataset) -> Claim:
    """Sb. Share of maps of DoS with any lattice, without a constraint, less 5 %; `absence`.

    Reproduced where its interval ends below chance.
    """
    keys = {"kind": "factorisation", "target": "difference_of_softmaxes"}
    found = select(summary, **keys, method=("svd", "ascent"))
    share = means_by_seed(found, lattice_share(found))
    return judge(
        "Sb",
        "Targets with a surround, factorised without a constraint, give maps without a lattice.",
        said("amorphous maps, by eye", SORSCHER),
        of_seeds(found, called="factorisations"),
        None,
        Evidence(verdicts.over_seeds(share - LEVEL), "difference", verdicts.absence(0.0)),
        [few_seeds(share.size)],
        f"{by_lattice(found)} Chance has {percent(LEVEL)} of all three. Maps that repeat the "
        "symmetry of the arena count as square.",
    )


def constraint_gives_hexagons(summary: xr.Dataset) -> Claim:
    """Sc. Factorisations of DoS with non-negative maps, of any method and any number of maps."""
    keys = {"kind": "factorisation", "target": "difference_of_softmaxes"}
    found = select(summary, **keys, method=("nmf", "non_negative_ascent"))
    kinds = {f"NMF of {size} maps": factors for size, factors in factors_by_size(summary)}
    kinds["Growth with rates ≥ 0"] = select(found, method="non_negative_ascent")
    kinds["NMF of a target without a surround"] = select(
        summary, kind="factorisation", target="gaussian", method="nmf"
    )
    apart = " ".join(
        f"{name}: {verdicts.mean_percent(lattice_share(networks, 'hexagonal'))} hexagonal."
        for name, networks in kinds.items()
        if networks.sizes["network"]
    )
    return _lattices(
        "Sc",
        "Targets with a surround and rates that are not negative give hexagonal lattices.",
        found,
        "hexagonal",
        said("hexagonal maps, by eye", SORSCHER),
        apart,
    )


def lstm_has_squares(summary: xr.Dataset) -> Claim:
    """Sd. The LSTM with narrow Gaussian fields, at its published size and training.

    First: score at 90 degrees less that at 60, less the same of untrained networks; `side`. Second:
    share of square maps less that of untrained networks, or less 5 % if that is larger; `side`.
    """
    lstm = select(summary, part="square_lstm")
    steps = max((spec["steps"] for spec in specs(lstm)), default=0)
    trained, drawn = select(lstm, steps=steps), select(lstm, steps=0)
    shares = [lattice_share(networks, "square") for networks in (trained, drawn)]
    return judge(
        "Sd",
        "An LSTM that path-integrates with Gaussian targets, and whose rates may be negative, has "
        "more square lattices than untrained ones.",
        said("square maps, by eye", SORSCHER),
        both_counted(shares),
        Evidence(
            verdicts.of_difference(angles_apart(trained), angles_apart(drawn)),
            "score",
            verdicts.side(1),
        ),
        more_lattices(*shares),
        [few_seeds(min(share.size for share in shares))],
        f"Trained: {by_lattice(trained)} {scores_text(trained)} {errors_text(trained)} Untrained: "
        f"{by_lattice(drawn)} {scores_text(drawn)}",
    )


def rectification_helps(summary: xr.Dataset) -> Claim:
    """Se. Mean grid score of ReLU less tanh networks, and shares of small p-values; `side`.

    The strength of the weight decay that supports the claim least decides.
    """
    found = select(summary, part="rectification")
    kinds = [select(found, activation=activation) for activation in ("relu", "tanh")]
    decays = sorted({spec["weight_decay"] for spec in specs(found)})

    def weakest(name: str) -> verdicts.Estimate:
        apart = {} if decays else {"none": verdicts.over_seeds(np.empty(0))}
        for decay in decays:
            relu, tanh = (_by_seed(select(k, weight_decay=decay), name) for k in kinds)
            apart[f"{decay:g}"] = verdicts.over_seeds(relu - tanh)
        return verdicts.least_favourable(apart, 1)[1]

    seeds = {spec["seed"] for spec in specs(found)}
    return judge(
        "Se",
        "Rectified units have higher grid scores than signed ones, at every weight decay.",
        said("a higher mean grid score, by a plot", SORSCHER),
        of_seeds(found),
        Evidence(weakest("mean_60"), "score", verdicts.side(1)),
        Evidence(weakest("small_p_share"), "difference", verdicts.side(1)),
        [few_seeds(len(seeds))],
        f"Of {len(decays)} strengths of the decay, the one that supports it least. "
        f"ReLU: {errors_text(kinds[0])} tanh: {errors_text(kinds[1])}",
    )


def decay_helps_beyond_the_wall(summary: xr.Dataset) -> Claim:
    """Sf. Error beyond a removed wall without weight decay less that with 1e-4; `side`."""
    found = select(summary, part="rectification", activation="relu")
    without, decayed = (
        _by_seed(select(found, weight_decay=value), "error_beyond") for value in (0.0, 1e-4)
    )
    gain = without - decayed
    by_decay = [
        (decay, select(found, weight_decay=decay))
        for decay in sorted({spec["weight_decay"] for spec in specs(found)})
    ]
    means = ", ".join(
        f"{100 * mean(some['error_beyond']):.0f} cm at {decay:g} (inside "
        f"{100 * mean(some['ridge_error'].sel(walks='longer')):.0f} cm)"
        for decay, some in by_decay
    )
    return judge(
        "Sf",
        "Weight decay lowers the error beyond a wall that is removed after training.",
        said("lower errors up to a failure, by a plot", SORSCHER),
        f"{counted(gain.size)} of each kind",
        Evidence(verdicts.over_seeds(gain), "m", verdicts.side(1)),
        None,
        [few_seeds(gain.size)],
        "Without decay against 1e−4, by ridge regression fitted inside, on walks of 50 steps "
        f"beyond and of 200 inside: {means}.",
        about_units=False,
    )


def activity_is_a_torus(summary: xr.Dataset) -> Claim:
    """Sg. Lifetimes of loops and void beyond those of random populations; `side`.

    Reproduced only if both stand out by themselves, at a level of 5 %, in most networks.
    """
    found = select(summary, part="rectification", activation="relu")
    away, drawn = (_by_seed(n, "torus_z") for n in (found, select(summary, part="untrained")))
    significant = found["torus_p"] <= LEVEL
    rule = verdicts.side(1) if significant.mean() > 0.5 else verdicts.only_against(verdicts.side(1))
    known = bool(np.isfinite(away).all())
    return judge(
        "Sg",
        "The activity of trained networks with rectified units lies on a torus.",
        said("a torus, by persistent homology", SORSCHER),
        of_seeds(found),
        None,
        Evidence(verdicts.over_seeds(away), "deviations", rule),
        ["" if known else f"Needs ripser ({INSTALL}), or more active units.", few_seeds(away.size)],
        f"Second loop and first void, whichever stands out less from populations of random maps: "
        f"both stand out in {int(significant.sum())} of {found.sizes['network']} networks. "
        f"Untrained: {_deviations(drawn)}.",
        about_units=False,
    )


def _deviations(away: np.ndarray) -> str:
    known = away[np.isfinite(away)]
    if not known.size:
        return "unknown"
    return f"{known.mean():.1f} standard deviations".replace("-", "−")


TESTS = (
    broad_targets_give_squares,
    constraint_is_needed,
    constraint_gives_hexagons,
    lstm_has_squares,
    rectification_helps,
    decay_helps_beyond_the_wall,
    activity_is_a_torus,
)
