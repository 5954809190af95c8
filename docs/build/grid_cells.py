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
from nofreelunch.figures.lattices import draw_unit
from nofreelunch.files import datasets
from nofreelunch.files.contract import STAGES
from nofreelunch.findings import comparisons, network_measures, verdicts
from nofreelunch.findings.verdicts import percent
from nofreelunch.scoring import calibration
from nofreelunch.scoring.significance import LEVEL
from nofreelunch.scoring.surrogates import KINDS
from nofreelunch.theory.spectra import open_spectra
from search import RECIPE, network_table, opened, wrapped

PAGE = """# Networks with grid cells

Do grid cells emerge in any network of this project that path-integrates? The networks of
[the search](search.md) have no significant unit. The theory suggests a reason: patterns that grow
from place cells at random positions are no lattices, and patterns that grow from a raster are
([conditions.md](conditions.md)). So two kinds of networks were trained that differ in the positions
of their place cells alone: **on a square raster** that fills the box, or at random, as in the talk.
Everything else is equal:
{recipe}

The setting was chosen by hand, with the seeds 100 and 101. The seeds below chose nothing.
`make STUDY=raster` trains these networks.

![The units with the highest grid scores in both kinds of networks, and shares of units that pass in
each network](grid_cells.png)

*Left: for each kind the six units with the highest grid scores, of significant units (★) where
there are any: the rate map with its grid score, and below it the autocorrelogram with the ring of
the score. Significant units have their lattice drawn, with its period and orientation, and others
have their p-value. Right: shares of active units in each network. Line: what chance gives.*

Every row is one network. *Changed* names what differs from the networks with random place cells.
*Cost* is the arithmetic of its training over that of these. Errors are means over 20 and 50 steps
of held-out walks. *p ≤ {small}* is the share of active units with such a p-value. *Significant*
units pass a false-discovery rate of 5 % within their network. The *period* is the median of units
with p ≤ {small}.

{table}

{said}

{chance}

{finer}

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
FINE = 0.05  # m; bins of half the studies' size
DRAWN = 64  # surrogates of each kind and network that are tested as if they were units
SHARES: dict[str, Callable[[xr.Dataset], np.ndarray]] = {
    f"p ≤ {LEVEL:g}": network_measures.small_p_values,
    "significant": network_measures.grid_fraction,
}


def kinds(summary: xr.Dataset) -> dict[str, xr.Dataset]:
    """The two kinds of networks, by what the page calls their place cells."""
    return {"on a raster": comparisons.on_raster(summary), "at random": comparisons.select(summary)}


def measured_size(folder: str, summary: xr.Dataset) -> float:
    """The size of the test, as in `summarise`, from more surrogates than a study tests."""
    shares = []
    for name, cohort in zip(summary["network"].values, summary["cohort"].values, strict=True):
        maps = opened_maps(folder, cohort).sel(network=name)
        active = summary["active"].sel(network=name).values[: maps.sizes["unit"]]
        found = calibration.calibrate(maps.values[active], 0, DRAWN).sel(made=list(KINDS))
        shares.append((found <= LEVEL).where(found.notnull()).mean("sample"))
    return float(xr.concat(shares, "network").mean("network").max())


def opened_maps(folder: str, cohort: str) -> xr.DataArray:
    """Rate maps of a cohort of a finished study."""
    file = STAGES["rate_maps"].files.format(cohort=cohort)
    return datasets.load(f"{folder}/{file}", "rate_maps")["rate_map"]


def chance(study: xr.Dataset, summary: xr.Dataset) -> str:
    """How often maps without a lattice pass, in words; `summary` has the size that was measured."""
    count, few = DRAWN * summary.sizes["network"], calibration.UNITS * study.sizes["network"]
    return (
        f"Chance is {percent(network_measures.chance_of_small_p(summary))}, or less: of {count:,} "
        f"surrogates of each kind, tested as if they were units, at most "
        f"{percent(summary.attrs['test_size'])} have p ≤ {LEVEL:g}. (The study itself tests {few}; "
        f"of these {percent(study.attrs['test_size'])} have.)"
    )


def said(of: Mapping[str, xr.Dataset]) -> str:
    """What the networks of both kinds have, in words."""
    raster = next(iter(of.values()))
    apart = verdicts.of_difference(*map(network_measures.small_p_values, of.values()))
    sentences = [_kind(where, networks) for where, networks in of.items()]
    sentences.append(
        f"The difference in p ≤ {LEVEL:g} is {verdicts.points(*apart[:3])}, with its 95 % interval "
        "over networks."
    )
    periods = np.concatenate(network_measures.significant_periods(raster))
    if periods.size:
        low, middle, high = np.percentile(periods, [10, 50, 90])
        sentences.append(
            f"The significant units of raster networks have a median period of {middle:.2f} m, and "
            f"four in five are between {low:.2f} and {high:.2f} m."
        )
    return " ".join(sentences)


def _kind(where: str, networks: xr.Dataset) -> str:
    fraction = network_measures.grid_fraction(networks)
    small = verdicts.mean_percent(network_measures.small_p_values(networks))
    with_any = int((fraction > 0).sum())
    return (
        f"With place cells {where}, {small} of the active units have p ≤ {LEVEL:g}, and "
        f"{verdicts.mean_percent(fraction)} are significant (means over networks). "
        f"{with_any or 'None'} of the {fraction.size} networks "
        f"{'has' if with_any < 2 else 'have'} significant units."
    )


def meaning(of: Mapping[str, xr.Dataset]) -> str:
    """Whether the positions of place cells matter, in words."""
    apart = [
        verdicts.of_difference(*map(measure, of.values())).low > 0 for measure in SHARES.values()
    ]
    if any(apart):
        said = (
            "**Where the place cells lie matters.** The talk says that grid cells hang on what the "
            "experimenter chooses: the target's tuning curve. The positions of the place cells are "
            "another such choice, and no part of path integration."
        )
    else:
        said = (
            "Whether the positions of the place cells matter cannot be told from so few networks."
        )
    return " ".join([said, *(_beyond_chance(*kind) for kind in of.items())])


def _beyond_chance(where: str, networks: xr.Dataset) -> str:
    """Whether networks of one kind are above chance, and how many units may be lattices."""
    above = verdicts.over_seeds(network_measures.calibrated_share(networks)).low > 0
    found = network_measures.lattices(networks)
    share, low, high = (round(100 * value) for value in found[:3])
    return (
        f"With place cells {where}, small p-values are {'' if above else 'not '}more frequent than "
        f"by chance; if all that are too many are lattices, {share} % [{low}, {high}] of the units "
        "are."
    )


def finer(folder: str, networks: xr.Dataset) -> str:
    """How many units pass in maps of half the bin size, in words."""
    walks = datasets.load(f"{folder}/trajectories/evaluation.nc", "trajectories")
    coarse, fine = [], []
    for cohort in networks["cohort"].values:
        trained = datasets.load(f"{folder}/networks/{cohort}.nc", "training")
        fine.append(measure_rate_maps(trained, walks, FINE)["rate_map"])
        coarse.append(opened_maps(folder, cohort))
    shares = [
        np.mean([codes.lattices(maps.values[0]).share for maps in each]) for each in (coarse, fine)
    ]
    spacing = 100 * networks.attrs["arena"] / comparisons.specs(networks)[0]["place_cells"] ** 0.5
    wide = 100 * networks.attrs["bin_size"]
    return (
        f"The raster has a spacing of {spacing:.1f} cm, and maps have bins of {wide:g} cm. Do the "
        f"two make patterns where there are none? With bins of {100 * FINE:g} cm "
        f"{percent(shares[1])} of the units of raster networks have p ≤ {LEVEL:g}, and "
        f"{percent(shares[0])} with bins of {wide:g} cm, against {codes.SURROGATES} surrogates of "
        "each kind."
    )


@style.styled
def draw(of: Mapping[str, xr.Dataset], rate_maps: Callable[[str], xr.Dataset]) -> Figure:
    """Units of both kinds on the left, and shares of units on the right."""
    figure = style.figure(height=110)
    left, right = figure.subfigures(1, 2, width_ratios=[3, 1])
    panels = left.subplots(4, SHOWN)
    for (where, networks), rows in zip(of.items(), (panels[:2], panels[2:]), strict=True):
        passed = network_measures.significant(networks)
        units = network_measures.best_units(networks, SHOWN, passed if passed.any() else None)
        for pair, unit in zip(rows.T, units, strict=True):
            draw_unit(pair, unit, networks, rate_maps)
        rows[0, 0].set_ylabel(f"place cells\n{where}")
    _shares(right.subplots(), of)
    return figure


def _shares(axes: Axes, of: Mapping[str, xr.Dataset]) -> None:
    colours = style.colour("difference_of_softmaxes"), style.INK
    for place, (name, measure) in enumerate(SHARES.items()):
        for at, networks, colour in zip(
            (2 * place, 2 * place + 1), of.values(), colours, strict=True
        ):
            shares = 100 * measure(networks)
            axes.plot(np.linspace(at - 0.15, at + 0.15, shares.size), shares, "o", color=colour)
        axes.text(2 * place + 0.5, 1.02, name, transform=axes.get_xaxis_transform(), ha="center")
    chance = network_measures.chance_of_small_p(next(iter(of.values())))
    axes.plot([-0.5, 1.5], [100 * chance] * 2, color=style.CHANCE, linewidth=0.8)
    axes.set_xticks(range(2 * len(SHARES)), [*of] * len(SHARES), rotation=90)
    axes.set_ylim(0, None)
    axes.set_ylabel("active units (%)")


def main(page: str, folder: str) -> None:
    """Write the page and its picture from a finished study."""
    study = opened(folder)
    summary = study.assign_attrs(test_size=measured_size(folder, study))
    of, recipe = kinds(summary), comparisons.defaults(summary)
    path = Path(page)
    figure = draw(of, lambda cohort: opened_maps(folder, cohort).to_dataset())
    style.save_figure(figure, path.with_suffix(""))
    for kind in (".pdf", ".svg"):
        path.with_suffix(kind).unlink()
    (theory,) = open_spectra(sorted(Path(folder).glob("theory/*.nc")))
    text = PAGE.format(
        recipe=wrapped(", ".join(f"{name} {recipe[key]}" for key, name in RECIPE.items()) + "."),
        small=LEVEL,
        table=network_table(summary, recipe),
        said=wrapped(said(of)),
        chance=wrapped(chance(study, summary)),
        finer=wrapped(finer(folder, of["on a raster"])),
        meaning=wrapped(meaning(of)),
        predicted=f"{float(theory['predicted_period']):.2f}",
    )
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
