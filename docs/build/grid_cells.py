"""Writes docs/grid_cells.md and its picture: networks with units that pass, and beside them others.

python docs/build/grid_cells.py docs/grid_cells.md results/raster

The folder is that of the finished study raster.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import codes
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from nofreelunch.evaluation.rate_maps import measure_rate_maps
from nofreelunch.figures import style
from nofreelunch.files import datasets
from nofreelunch.files.contract import STAGES
from nofreelunch.findings import comparisons, network_measures, verdicts
from nofreelunch.scoring.autocorrelograms import autocorrelograms
from nofreelunch.scoring.calibration import UNITS
from nofreelunch.scoring.firing_fields import find_fields
from nofreelunch.scoring.significance import LEVEL, significance
from nofreelunch.scoring.surrogates import KINDS
from nofreelunch.theory.spectra import open_spectra
from search import RECIPE, network_table, opened, wrapped

PAGE = """# Networks with grid cells

Do grid cells emerge in any network of this project that path-integrates? The networks of
[the search](search.md) have no significant unit. The theory says why: patterns that grow from place
cells at random positions are no lattices, and patterns that grow from a raster are
([conditions.md](conditions.md)). So two kinds of networks were trained that differ in the positions
of their place cells alone: **on a square raster** that fills the box, or at random, as in the talk.
Everything else is equal:
{recipe}

The seeds 100 and 101 chose the setting; those below chose nothing. `make STUDY=raster` trains these
networks.

![The units with the highest grid scores in both kinds of networks, and shares of units that pass in
each network](grid_cells.png)

*Left: for each kind the six units with the highest grid scores, of significant units (★) where
there are any: the rate map with its grid score, and below it the autocorrelogram with the period,
or the p-value. Right: shares of active units in each network. Line: {chance:.1f} %, what chance
gives for p ≤ {small}.*

Every row is one network. *Changed* names what differs from the networks with random place cells.
*Cost* is the arithmetic of its training over that of these. Errors are means over 20 and 50 steps
of held-out walks. *p ≤ {small}* is the share of active units with such a p-value. Up to
{chance:.1f} % may be chance: so many of {tested} surrogates pass if they are tested as if they were
units. *Significant* units pass a false-discovery rate of 5 % within their network. The *period* is
the median of units with p ≤ {small}.

{table}

{said}

{finer}

{size}

## What this means

{meaning}

Real place cells do not lie on a raster. By the linear theory of this target a lattice would have a
period of {predicted} m. Units have longer ones, as in all networks here ([why](periods.md)).

## What was not tried

One width of place fields, one size of networks, one length of training and one raster were tried. A
raster is square, and a lattice may take its orientation from it. Whether larger networks with
random place cells have lattices is open.

Made by `python docs/build/grid_cells.py docs/grid_cells.md results/raster`.
"""
SHOWN = 6  # units of each kind
BIN = 0.1  # m
DRAWN = 128  # surrogates of each kind and network that are tested as if they were units
RASTER_COLOUR = style.colour("difference_of_softmaxes")
SHARES: dict[str, Callable[[xr.Dataset], np.ndarray]] = {
    f"p ≤ {LEVEL:g}": network_measures.small_p_values,
    "significant": network_measures.grid_fraction,
}


def kinds(summary: xr.Dataset) -> dict[str, xr.Dataset]:
    """The two kinds of networks, by what the page calls their place cells."""
    return {"on a raster": comparisons.on_raster(summary), "at random": comparisons.select(summary)}


def said(of: Mapping[str, xr.Dataset]) -> str:
    """What the networks of both kinds have, in words."""
    raster, random = of.values()
    apart = verdicts.of_difference(*(network_measures.small_p_values(n) for n in (raster, random)))
    periods = np.concatenate(network_measures.significant_periods(raster))
    sentences = [_kind(where, networks) for where, networks in of.items()]
    sentences.append(
        f"The raster gives {_points(apart)} more units with p ≤ {LEVEL:g}; the brackets are the "
        "95 % interval of the difference between kinds of networks."
    )
    if periods.size:
        low, middle, high = np.percentile(periods, [10, 50, 90])
        sentences.append(
            f"The significant units of raster networks have periods of {middle:.2f} m; four in "
            f"five are between {low:.2f} and {high:.2f} m. Within a network their orientations "
            f"have a mean resultant length of {_aligned(raster)}, where 0 is any orientation and 1 "
            "a common one."
        )
    return " ".join(sentences)


def meaning(of: Mapping[str, xr.Dataset]) -> str:
    """Whether the positions of place cells matter, in words."""
    apart = [
        verdicts.of_difference(*(measure(networks) for networks in of.values()))
        for measure in SHARES.values()
    ]
    chance = "".join(_beyond_chance(where, networks) for where, networks in of.items())
    if not any(estimate.low > 0 for estimate in apart):
        return (
            "Whether the positions of the place cells matter cannot be told from so few networks: "
            f"neither difference excludes zero.{chance}"
        )
    return (
        "**Where the place cells lie matters.** That grid cells hang on what the experimenter "
        "chooses is the talk's point about the target's tuning curve. This is another such choice, "
        f"and no part of path integration: both kinds of networks path-integrate.{chance}"
    )


def _beyond_chance(where: str, networks: xr.Dataset) -> str:
    """Whether networks of one kind are above chance, and how many units may be lattices."""
    above = verdicts.over_seeds(network_measures.calibrated_share(networks))
    found = network_measures.lattices(networks)
    most = f"{100 * found.share:.0f} [{100 * found.low:.0f}, {100 * found.high:.0f}] %"
    more = "more" if above.low > 0 else "no more"
    return (
        f" By the study's own surrogates there are {more} small p-values than by chance with place "
        f"cells {where}, and {most} of the units may be lattices."
    )


def _kind(where: str, networks: xr.Dataset) -> str:
    fraction = network_measures.grid_fraction(networks)
    small = 100 * verdicts.over_seeds(network_measures.small_p_values(networks)).value
    many = int((fraction >= 0.1).sum())
    return (
        f"With place cells {where}, {int((fraction > 0).sum())} of {fraction.size} networks have "
        f"significant units, which in {many} of them are 10 % or more of the active units. On "
        f"average {small:.1f} % of the active units have p ≤ {LEVEL:g}, and "
        f"{100 * fraction.mean():.1f} % are significant."
    )


def _aligned(networks: xr.Dataset) -> str:
    """Mean resultant lengths of the orientations of significant units, lowest to highest."""
    orientation = networks["orientation"].transpose("network", "unit").values
    chosen = network_measures.significant(networks) & np.isfinite(orientation)
    turns = [
        np.exp(6j * row[of_network]) for row, of_network in zip(orientation, chosen, strict=True)
    ]
    found = sorted(abs(one.mean()) for one in turns if one.size > 1)
    return f"{found[0]:.2f} to {found[-1]:.2f}"


def finer(folder: str, networks: xr.Dataset) -> str:
    """How many units pass in maps of half the bin size, in words."""
    walks = datasets.load(f"{folder}/trajectories/evaluation.nc", "trajectories")
    shares = {size: [] for size in (BIN, BIN / 2)}
    for cohort in networks["cohort"].values:
        trained = datasets.load(f"{folder}/networks/{cohort}.nc", "training")
        for size, found in shares.items():
            maps = measure_rate_maps(trained, walks, bin_size=size)["rate_map"].values
            found += [codes.lattices(of_network).share for of_network in maps]
    coarse, fine = (100 * np.mean(found) for found in shares.values())
    spacing = 100 * networks.attrs["arena"] / comparisons.specs(networks)[0]["place_cells"] ** 0.5
    return (
        f"The raster has a spacing of {spacing:.1f} cm, and maps have bins of {100 * BIN:g} cm. Do "
        f"the two make patterns where there are none? With bins of {50 * BIN:g} cm {fine:.0f} % of "
        f"the units of raster networks have p ≤ {LEVEL:g}, and {coarse:.0f} % with bins of "
        f"{100 * BIN:g} cm, against {codes.SURROGATES} surrogates of each kind."
    )


def tested(folder: str, of: Mapping[str, xr.Dataset]) -> np.ndarray:
    """p-values of surrogates of both kinds, from units of two networks each."""
    found = []
    for networks in of.values():
        for cohort in sorted(networks["cohort"].values)[:2]:
            maps = datasets.load(f"{folder}/rate_maps/{cohort}.nc", "rate_maps")["rate_map"]
            values, random = maps.values[0].astype(float), np.random.default_rng(5)
            for kind in KINDS.values():
                chosen = random.permutation(len(values))[:DRAWN]
                draws = [kind(values[k], find_fields(values[k]), random) for k in chosen]
                made = np.array([draw(1)[0] for draw in draws if draw])
                found.append(significance(made, 199, 1)["p_value"].values)
    return np.concatenate(found)


def size(p_value: np.ndarray, of: Mapping[str, xr.Dataset]) -> str:
    """How often surrogates pass, and which networks have more units that do, in words."""
    small = 100 * (p_value <= LEVEL).mean()
    lowest = [
        100 * verdicts.over_seeds(network_measures.small_p_values(networks)).low
        for networks in of.values()
    ]
    above = [low > small for low in lowest]
    both = {2: "Both kinds of networks are above that.", 1: "One kind of networks is above that."}
    return (
        f"The study itself tests few surrogates. Of {p_value.size:,} more, tested as if they were "
        f"units, {small:.1f} % have p ≤ {LEVEL:g}, and {100 * (p_value <= 0.01).mean():.1f} % have "
        f"p ≤ 0.01. {both.get(sum(above), 'No kind of networks is above that.')}"
    )


def _points(estimate: verdicts.Estimate) -> str:
    value, low, high = (100 * number for number in estimate[:3])
    return f"{value:.1f} [{low:.1f}, {high:.1f}] points".replace("-", "−")


@style.styled
def draw(of: Mapping[str, xr.Dataset], rate_maps: Callable[[str], xr.Dataset]) -> Figure:
    """Units of both kinds on the left, and shares of units on the right."""
    figure = style.figure(height=110)
    left, right = figure.subfigures(1, 2, width_ratios=[3, 1])
    panels = left.subplots(4, SHOWN)
    for (where, networks), rows in zip(of.items(), (panels[:2], panels[2:]), strict=True):
        passed = network_measures.significant(networks)
        units = network_measures.best_units(networks, SHOWN, passed if passed.any() else None)
        for axes in rows.ravel():
            axes.set_axis_off()
        for pair, unit in zip(rows.T, units, strict=False):
            _unit(pair, unit, networks, rate_maps)
        rows[0, 0].set_ylabel(f"place cells\n{where}")
        rows[0, 0].set_axis_on()
    _shares(right.subplots(), of)
    return figure


def _unit(pair: np.ndarray, unit: network_measures.Unit, networks: xr.Dataset, rate_maps) -> None:
    with rate_maps(unit.cohort) as cohort:
        values = cohort["rate_map"].sel(network=unit.network).isel(unit=unit.unit)
        values = values.transpose("y", "x").values
    for axes in pair:
        axes.set_axis_on()
    style.draw_map(pair[0], values)
    pair[0].set_title(style.score_text(unit.score, unit.significant), pad=2, fontsize=7)
    correlations = autocorrelograms(values).values
    style.draw_map(pair[1], correlations, colours=style.SIGNED_COLOURS, vmin=-1.0, vmax=1.0)
    found = networks.sel(network=unit.network).isel(unit=unit.unit)
    text = f"{float(found['period']):.2f} m" if unit.significant else None
    pair[1].set_xlabel(text or style.p_text(float(found["p_value"])), labelpad=2)


def _shares(axes: Axes, of: Mapping[str, xr.Dataset]) -> None:
    at = 0
    for measure in SHARES.values():
        for where, networks in of.items():
            shares = 100 * measure(networks)
            colour = (
                style.colour("difference_of_softmaxes") if where == "on a raster" else style.INK
            )
            axes.plot(np.linspace(at - 0.15, at + 0.15, shares.size), shares, "o", color=colour)
            at += 1
    chance = network_measures.chance_of_small_p(next(iter(of.values())))
    axes.axhline(100 * chance, 0, 1 / len(SHARES), color=style.CHANCE, linewidth=0.8)
    axes.set_xticks(range(at), [*of] * len(SHARES), rotation=90)
    axes.set_xlim(-0.5, at - 0.5)
    axes.set_ylim(0, None)
    axes.set_ylabel("active units (%)")
    for place, name in enumerate(SHARES):
        middle = (2 * place + 1) / (2 * len(SHARES))
        axes.text(middle, 1.02, name, transform=axes.transAxes, ha="center", fontsize=7)


def main(page: str, folder: str) -> None:
    """Write the page and its picture from a finished study."""
    summary = opened(folder)
    of, recipe = kinds(summary), comparisons.defaults(summary)
    maps = STAGES["rate_maps"].files

    def rate_maps(cohort: str) -> xr.Dataset:
        return datasets.load(f"{folder}/{maps.format(cohort=cohort)}", "rate_maps")

    path = Path(page)
    style.save_figure(draw(of, rate_maps), path.with_suffix(""))
    for kind in (".pdf", ".svg"):
        path.with_suffix(kind).unlink()
    (theory,) = open_spectra(sorted(Path(folder).glob("theory/*.nc")))
    text = PAGE.format(
        recipe=wrapped(", ".join(f"{name} {recipe[key]}" for key, name in RECIPE.items()) + "."),
        chance=100 * network_measures.chance_of_small_p(summary),
        tested=UNITS * summary.sizes["network"],
        small=LEVEL,
        table=network_table(summary, recipe),
        said=wrapped(said(of)),
        meaning=wrapped(meaning(of)),
        size=wrapped(size(tested(folder, of), of)),
        finer=wrapped(finer(folder, of["on a raster"])),
        predicted=f"{float(theory['predicted_period']):.2f}",
    )
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
