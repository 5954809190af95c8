"""The answer of a study in one sentence, which its overview and its story begin with."""

import math

import numpy as np
import xarray as xr

from nofreelunch.findings import comparisons, network_measures, verdicts
from nofreelunch.findings.verdicts import percent
from nofreelunch.scoring.significance import LEVEL

LEAST_BOUND = 0.01  # an upper bound on a share of lattices that is not quoted more exactly


def answer(columns: dict[str, xr.Dataset]) -> str:
    """The study in one sentence: which targets give more lattice-like units than chance.

    A target gives more if the share of active units with a p-value of at most 0.05, less the size
    of the test, has an interval over networks above zero. Targets with fewer than three networks
    are left out. The sentence also says how many units are significant. If no target gives more, it
    says how many units of the default target may still be lattices.
    """
    excess = {
        target: verdicts.over_seeds(network_measures.calibrated_share(networks))
        for target, networks in columns.items()
    }
    tested = {t: e for t, e in excess.items() if e.count >= verdicts.FEWEST_SEEDS}
    if not tested:
        return "Too few networks, or no surrogates, to tell which targets give grid cells"
    above = [target for target, estimate in tested.items() if estimate.low > 0]
    shares = {t: percent(np.nanmean(network_measures.small_p_values(columns[t]))) for t in above}
    size = percent(network_measures.chance_of_small_p(next(iter(columns.values()))))
    chance = f"at p ≤ {LEVEL} (chance {size})"
    more = "more lattice-like units than chance"
    found = _significant(columns)
    if not above:
        none = f"None of {len(tested)} targets gives {more}"
        if len(tested) == 1:
            none = f"{_phrase(columns, *tested)} give no {more}"
        return f"{none}; {found}{_hidden(columns)}"
    if len(above) == 1:
        subject = _phrase(columns, *above)
        if len(tested) > 1:
            subject = f"{subject} are the only ones of {len(tested)} that are shown to"
        return f"{subject} give {more}: {shares[above[0]]} {chance}; {found}"
    names = {target: comparisons.short_name(columns[target], target) for target in above}
    named = ", ".join(f"{name} ({shares[target]})" for target, name in names.items())
    return f"{len(above)} of {len(tested)} targets give {more}: {named} {chance}; {found}"


def _phrase(columns: dict[str, xr.Dataset], target: str) -> str:
    """A target as subject of a sentence, with its name in figures if that is another."""
    phrase = comparisons.phrase(columns[target], target)
    short = comparisons.short_name(columns[target], target)
    return f"{phrase} targets" + f" ({short})" * (phrase != short)


def _significant(columns: dict[str, xr.Dataset]) -> str:
    """How many of all active units are significant, in words."""
    found = sum(int(network_measures.significant(n).sum()) for n in columns.values())
    active = sum(network_measures.unit_counts(n).active for n in columns.values())
    verb = "is" if found < 2 else "are"
    said = f"{f'{found:,}' if found else 'none'} of {active:,} active units {verb} significant"
    least = network_measures.least_fraction(next(iter(columns.values())))
    return said if found else f"{said}, for which {percent(least)} of a network would be needed"


def _hidden(columns: dict[str, xr.Dataset]) -> str:
    """How many units of the default target may be lattices that the test has missed, in words."""
    target = comparisons.defaults(next(iter(columns.values())))["target"]
    most = network_measures.lattices(columns[target]).high if target in columns else math.nan
    if math.isnan(most):
        return ""
    name = comparisons.short_name(columns[target], target)
    if most >= 1:
        return f"; the test cannot tell whether {name} units are lattices"
    bound = percent(max(most, LEAST_BOUND))
    return f"; of the {name} units at most {bound} may be perfect lattices (95 % interval)"
