"""The sentences of the papers, tested on the networks of their models.

Each paper judged its maps by eye or by a grid score. The first estimate of a claim is by that
measure. The second is the share of units whose lattice stands out from surrogates of the same
spectrum and rates, of which chance has 5 %. Networks are the unit of replication.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import xarray as xr

from nofreelunch.findings import verdicts
from nofreelunch.findings.published.model_groups import WITH_ALL
from nofreelunch.findings.published.model_measures import (
    BORDER,
    WORDS,
    lattice_share,
    mean,
    select,
    specs,
)
from nofreelunch.findings.talks import Quantity
from nofreelunch.findings.verdicts import Claim, Evidence, counted, few_seeds, judge, percent
from nofreelunch.scoring.significance import LEVEL

SORSCHER, CUEVA_WEI = "Sorscher et al. (2019, 2023)", "Cueva & Wei (2018)"
OTHERS = ("hexagon", "triangle")
STABLE = 1.25  # ratio of errors below which the longer walk's counts as the same


def said(text: str, source: str) -> Quantity:
    """What a paper says without a number."""
    return Quantity(float("nan"), text, source)


def evaluate(summaries: Mapping[str, xr.Dataset]) -> dict[str, list[Claim]]:
    """The claims of each model, by its name."""
    return {name: [test(summaries[name]) for test in TESTS[name]] for name in summaries}


def _lattices(
    label: str, sentence: str, networks: xr.Dataset, lattice: str, talk: Quantity, more: str = ""
) -> Claim:
    """That factorisations have one kind of lattice: by scores, and by the share beyond chance.

    First: the score at the lattice's angle less that at the other; `side`. Second: share of maps in
    the lattice's class, less 5 %; `side`.
    """
    sign = 1 if lattice == "square" else -1
    count = networks.sizes["network"]
    return judge(
        label,
        sentence,
        talk,
        counted(count),
        Evidence(verdicts.over_seeds(sign * _apart(networks)), "score", verdicts.side(1)),
        Evidence(
            verdicts.over_seeds(lattice_share(networks, lattice) - LEVEL),
            "difference",
            verdicts.side(1),
        ),
        [few_seeds(count)],
        f"{_by_lattice(networks)} Chance has 5 % of all three together. {_scores(networks)} {more}",
    )


def _apart(networks: xr.Dataset) -> np.ndarray:
    """Mean score (network,) at 90 degrees less that at 60."""
    return (networks["mean_90"] - networks["mean_60"]).values


def _beyond(share: np.ndarray, others: np.ndarray) -> verdicts.Estimate:
    """Shares of lattices less those of other networks, which count as having 5 % at least.

    How far below chance networks are says only how few waves their maps have.
    """
    return verdicts.of_difference(share, np.maximum(others, LEVEL))


def _lattices_differ(estimate: verdicts.Estimate, share: np.ndarray, where: str) -> Evidence:
    """A difference of shares of lattices, which decides only if the first is above chance."""
    above = verdicts.over_seeds(share - LEVEL).low > 0
    obstacle = "" if above else f"{where} there are no more than by chance."
    return Evidence(estimate, "difference", verdicts.side(1), obstacle)


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
    """Sb. Share of hexagonal maps of DoS, factorised without a constraint, less 5 %; `absence`.

    Reproduced where its interval ends below chance.
    """
    keys = {"kind": "factorisation", "target": "difference_of_softmaxes"}
    found = select(summary, **keys, method=("svd", "ascent"))
    share = lattice_share(found, "hexagonal")
    return judge(
        "Sb",
        "Targets with a surround, factorised without a constraint, give no hexagonal lattices.",
        said("amorphous maps, by eye", SORSCHER),
        counted(found.sizes["network"]),
        None,
        Evidence(verdicts.over_seeds(share - LEVEL), "difference", verdicts.absence(0.0)),
        [few_seeds(found.sizes["network"])],
        f"{_by_lattice(found)} Chance has {percent(LEVEL)} of maps with any lattice.",
    )


def constraint_gives_hexagons(summary: xr.Dataset) -> Claim:
    """Sc. Factorisations of DoS with non-negative maps."""
    keys = {"kind": "factorisation", "target": "difference_of_softmaxes"}
    found = select(summary, **keys, method=("nmf", "non_negative_ascent"))
    apart = " ".join(
        f"{name}: {verdicts.mean_percent(lattice_share(select(found, method=name), 'hexagonal'))}"
        " hexagonal."
        for name in ("nmf", "non_negative_ascent")
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
        _sizes(shares),
        Evidence(verdicts.of_difference(_apart(trained), _apart(drawn)), "score", verdicts.side(1)),
        Evidence(_beyond(*shares), "difference", verdicts.side(1)),
        [few_seeds(min(share.size for share in shares))],
        f"Trained: {_by_lattice(trained)} {_scores(trained)} {_errors(trained)} Untrained: "
        f"{_by_lattice(drawn)} {_scores(drawn)}",
    )


def rectification_helps(summary: xr.Dataset) -> Claim:
    """Se. Mean grid score of ReLU less tanh networks, and shares of small p-values; `side`.

    Each seed is one value: the mean over the strengths of the weight decay.
    """
    found = select(summary, part="rectification")
    kinds = [select(found, activation=activation) for activation in ("relu", "tanh")]
    scores, shares = (
        _by_seed(kinds[0], name) - _by_seed(kinds[1], name) for name in ("mean_60", "small_p_share")
    )
    return judge(
        "Se",
        "Rectified units have higher grid scores than signed ones, at every weight decay.",
        said("a higher mean grid score, by a plot", SORSCHER),
        counted(found.sizes["network"]),
        Evidence(verdicts.over_seeds(scores), "score", verdicts.side(1)),
        Evidence(verdicts.over_seeds(shares), "difference", verdicts.side(1)),
        [few_seeds(scores.size)],
        f"ReLU: {_errors(kinds[0])} tanh: {_errors(kinds[1])}",
    )


def decay_helps_beyond_the_wall(summary: xr.Dataset) -> Claim:
    """Sf. Error beyond a removed wall without weight decay less that with 1e-4; `side`."""
    found = select(summary, part="rectification", activation="relu")
    without, decayed = (
        _by_seed(select(found, weight_decay=value), "error_beyond") for value in (0.0, 1e-4)
    )
    gain = without - decayed
    means = ", ".join(
        f"{100 * mean(select(found, weight_decay=decay)['error_beyond']):.0f} cm at {decay:g}"
        for decay in sorted({spec["weight_decay"] for spec in specs(found)})
    )
    return judge(
        "Sf",
        "Weight decay lowers the error beyond a wall that is removed after training.",
        said("lower errors up to a failure, by a plot", SORSCHER),
        f"{counted(gain.size)} of each kind",
        Evidence(verdicts.over_seeds(gain), "m", verdicts.side(1)),
        None,
        [few_seeds(gain.size)],
        f"Without decay against 1e−4, by ridge regression fitted inside: {means}.",
        about_units=False,
    )


def integrate_for_long(summary: xr.Dataset) -> Claim:
    """Wa. Error on walks ten times as long as training's, over that on such; `agreement`."""
    found = select(summary, part=("ingredients", "arenas"), **WITH_ALL)
    error = found["position_error"]
    ratio = (error.sel(walks="longer") / error.sel(walks="trained")).values
    return judge(
        "Wa",
        "The error stays as small on walks ten times as long as those of training.",
        said("stable for paths of 10,000 times the length", CUEVA_WEI),
        counted(ratio.size),
        Evidence(verdicts.over_seeds(ratio), "ratio", verdicts.agreement(STABLE)),
        None,
        [few_seeds(ratio.size)],
        _errors(found),
        about_units=False,
    )


def walls_correct(summary: xr.Dataset) -> Claim:
    """Wb. Error 20 to 50 steps after the last wall, less that in the step of a wall; `side`."""
    found = select(summary, part="ingredients", **WITH_ALL)
    since = found["error_since_wall"]
    gain = (since.sel(since=20) - since.sel(since=0)).values
    return judge(
        "Wb",
        "Contact with a wall lowers the error.",
        said("lower after contact, by a plot", CUEVA_WEI),
        counted(gain.size),
        Evidence(verdicts.over_seeds(gain), "m", verdicts.side(1)),
        None,
        [few_seeds(gain.size)],
        "Error 20 to 50 steps after the last contact, less that in the step of the contact.",
        about_units=False,
    )


def all_three_give_lattices(summary: xr.Dataset) -> Claim:
    """Wc. Share of units with any lattice or bands, with all ingredients; `side`.

    Less that of untrained networks, or less 5 % if that is larger.
    """
    found = select(summary, part="ingredients", **WITH_ALL)
    drawn = select(summary, part="untrained", shape="square")
    share, untrained = lattice_share(found), lattice_share(drawn)
    return judge(
        "Wc",
        "With noise, still periods and a cost of activity, more units have lattices or bands than "
        "in untrained networks.",
        said("some grid-like and band-like units, by eye", CUEVA_WEI),
        _sizes([share, untrained]),
        None,
        Evidence(_beyond(share, untrained), "difference", verdicts.side(1)),
        [few_seeds(min(share.size, untrained.size))],
        f"{_by_lattice(found)} Untrained: {_by_lattice(drawn)} {_errors(found)}",
    )


def _ingredient(label: str, name: str, key: str) -> Callable[[xr.Dataset], Claim]:
    """Wd to Wf. Share of lattices with all ingredients less that without one; `side`."""

    def test(summary: xr.Dataset) -> Claim:
        found = select(summary, part="ingredients")
        sides = [select(found, **{**WITH_ALL, key: value}) for value in (WITH_ALL[key], 0.0)]
        shares = [lattice_share(networks) for networks in sides]
        return judge(
            label,
            f"Without {name}, fewer units have lattices or bands.",
            said(f"none without {name}", CUEVA_WEI),
            _sizes(shares),
            None,
            _lattices_differ(_beyond(*shares), shares[0], "With all ingredients"),
            [few_seeds(min(share.size for share in shares))],
            f"With it: {_by_lattice(sides[0])} Without it: {_by_lattice(sides[1])}",
        )

    return test


def borders_without_cost(summary: xr.Dataset) -> Claim:
    """Wg. Share of border cells without the cost of activity, less that with it; `side`."""
    found = select(summary, part="ingredients")
    shares = [
        select(found, **{**WITH_ALL, "metabolic_cost": cost})["border_share"].values
        for cost in (0.0, WITH_ALL["metabolic_cost"])
    ]
    return judge(
        "Wg",
        "Without the cost of activity, more units are like border cells.",
        said("mostly border-like units, by eye", CUEVA_WEI),
        _sizes(shares),
        Evidence(verdicts.of_difference(*shares), "difference", verdicts.side(1)),
        None,
        [few_seeds(min(share.size for share in shares))],
        f"Border score above {BORDER}: {verdicts.mean_percent(shares[0])} of active units without, "
        f"{verdicts.mean_percent(shares[1])} with it.",
    )


def lattices_follow_the_arena(summary: xr.Dataset) -> Claim:
    """Wh. Square lattices in the square less those in hexagon and triangle, and scores; `side`.

    First: score at 90 degrees less that at 60, less the mean of untrained networks in the arena.
    """
    square = select(summary, part="ingredients", **WITH_ALL)
    others = select(summary, part="arenas")
    drawn = [select(summary, part="untrained", shape=shape) for shape in ("square", OTHERS)]
    apart = [
        _apart(side) - mean(untrained["mean_90"] - untrained["mean_60"])
        for side, untrained in zip((square, others), drawn, strict=True)
    ]
    shares = [lattice_share(side, "square") for side in (square, others)]
    return judge(
        "Wh",
        "Lattices follow the arena: square ones are more frequent in the square than in the "
        "hexagon and the triangle.",
        said("rectangular in the square, more hexagonal in the others, by eye", CUEVA_WEI),
        _sizes(shares),
        Evidence(verdicts.of_difference(*apart), "score", verdicts.side(1)),
        _lattices_differ(_beyond(*shares), shares[0], "In the square"),
        [few_seeds(min(share.size for share in shares))],
        f"Square: {_by_lattice(square)} Hexagon and triangle: {_by_lattice(others)} Scores depend "
        "on an arena's outline: those of untrained networks there are taken off.",
    )


def _sizes(shares: Sequence[np.ndarray]) -> str:
    return " and ".join(str(share.size) for share in shares) + " networks"


def _by_seed(networks: xr.Dataset, name: str) -> np.ndarray:
    """A measure (seed,): its mean over the networks of each seed, in the order of the seeds."""
    seeds = sorted({spec["seed"] for spec in specs(networks)})
    return np.array([mean(select(networks, seed=seed)[name]) for seed in seeds])


def _by_lattice(networks: xr.Dataset) -> str:
    parts = [
        f"{verdicts.mean_percent(lattice_share(networks, name)) or 'unknown'} {word}"
        for name, word in WORDS.items()
    ]
    return ", ".join(parts) + "."


def _scores(networks: xr.Dataset) -> str:
    scores = [f"{mean(networks[name]):.2f}".replace("-", "−") for name in ("mean_60", "mean_90")]
    return f"Mean scores: {scores[0]} at 60°, {scores[1]} at 90°."


def _errors(networks: xr.Dataset) -> str:
    error = networks["position_error"]
    trained, longer = (100 * mean(error.sel(walks=walks)) for walks in ("trained", "longer"))
    return f"Error {trained:.0f} cm on walks as long as training's, {longer:.0f} cm on longer ones."


TESTS: dict[str, Sequence[Callable[[xr.Dataset], Claim]]] = {
    "sorscher_2019": (
        broad_targets_give_squares,
        constraint_is_needed,
        constraint_gives_hexagons,
        lstm_has_squares,
        rectification_helps,
        decay_helps_beyond_the_wall,
    ),
    "cueva_wei_2018": (
        integrate_for_long,
        walls_correct,
        all_three_give_lattices,
        _ingredient("Wd", "noise", "noise"),
        _ingredient("We", "still periods", "stillness"),
        _ingredient("Wf", "the cost of activity", "metabolic_cost"),
        borders_without_cost,
        lattices_follow_the_arena,
    ),
}
