"""The tables of docs/validation.md, each measured on maps or periods that are made here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import nofreelunch as nfl
import numpy as np
import xarray as xr
from known_maps import (
    BINS,
    BOX,
    NOISE,
    SEED,
    bumps,
    generator,
    hexagonal,
    jittered,
    lattice,
    noise,
    squares,
    stripes,
    with_noise,
)
from nofreelunch.scoring import grid_modules, lattice_classes, unit_scores

LEVEL = 0.05
THRESHOLDS = (0.3, 0.8, 1.15)  # of the grid score
GOOD_FIT = 0.95
PERIODS = (0.6, 1.1)  # m
JITTERS = (0.0, 0.05, 0.1, 0.15)  # of the period
MEASURED_BINS = (20, 44)
MEASURED_PERIODS = (0.5, 0.7, 0.9, 1.2)  # m
STRETCH = 1.2
UNITS = (50, 100, 300)  # of one module
CLASSES_TESTED = f"{unit_scores.CLASS_SURROGATES} surrogates, as in studies."
BACKGROUNDS = (10, 100, 1000)  # over the height of the fields


class Counts(NamedTuple):
    """How many maps or sets of periods of each kind."""

    surrogates: int = 99
    tested: int = 300  # maps of noise whose score is compared with surrogates
    classified: int = 200  # maps of noise whose lattice is compared with surrogates
    scored: int = 1000  # maps of noise that are only scored
    lattices: int = 50
    measured: int = 100  # lattices whose period is measured
    one_module: int = 1000
    several_modules: int = 200
    modules: Sequence[int] = (2, 3, 4)


QUICK = Counts(
    surrogates=9,
    tested=2,
    classified=2,
    scored=4,
    lattices=2,
    measured=2,
    one_module=4,
    several_modules=4,
    modules=(2,),
)


class Table(NamedTuple):
    """A section of the page: what it says in words, the table, and what it was measured on."""

    title: str
    says: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    made: str


def noise_significance(counts: Counts) -> Table:
    """False-positive rates of `nfl.significance`."""
    passed, rows = {}, []
    for kind, maps in noise(counts.tested):
        found = nfl.significance(maps, counts.surrogates, seed=SEED)
        passed[kind] = [(found[name] <= LEVEL).values for name in ("p_value", "p_phase")]
        rows.append((kind, *map(share, passed[kind])))
    both, phase = ({kind: passed[kind][column].mean() for kind in NOISE} for column in (0, 1))
    two = percent(passed["two plane waves"][0].mean(), 1)
    says = (
        f"At a level of {percent(LEVEL)}, {average(both)} of maps of noise and bumps pass; of "
        f"single kinds, {spread(both)}, of which the highest is partly luck. By random phases "
        f"alone, {percent(phase['packed bumps'], 1)} of packed bumps would pass. Of two plane "
        f"waves, nearly a lattice, {two} pass."
    )
    head = "map", "significant", "by random phases alone"
    return Table("How often noise is significant", says, head, rows, tested(counts, counts.tested))


def lattice_significance(counts: Counts) -> Table:
    """Power of `nfl.significance`."""

    def noisy(period: float, random: np.random.Generator) -> np.ndarray:
        maps = np.stack([lattice(period, random) for _ in range(counts.lattices)])
        return with_noise(maps, random)

    kinds: dict[str, Callable[..., np.ndarray]] = {"as much noise as signal": noisy}
    for jitter in JITTERS:
        kinds[f"fields off by {percent(jitter)} of the period"] = (
            lambda period, random, jitter=jitter: np.stack(
                [jittered(period, jitter, random) for _ in range(counts.lattices)]
            )
        )
    rows, passed = [], {}
    for kind, make in kinds.items():
        for period in PERIODS:
            maps = make(period, generator(f"{kind} {period}"))
            found = nfl.significance(maps, counts.surrogates, seed=SEED)
            passed[kind, period] = (found.p_value <= LEVEL).values
        rows.append((kind, *(share(passed[kind, period]) for period in PERIODS)))
    noisy_short, noisy_long, worst_short, worst_long = (
        percent(passed[kind, period].mean())
        for kind in (next(iter(kinds)), next(reversed(kinds)))
        for period in PERIODS
    )
    says = (
        f"With as much white noise as signal, {noisy_short} of lattices of {PERIODS[0]} m and "
        f"{noisy_long} of those of {PERIODS[1]} m are significant. Displaced fields cost power: "
        f"off by {percent(JITTERS[-1])} of the period, {worst_short} and {worst_long} are."
    )
    head = "map", *(f"period {period} m" for period in PERIODS)
    made = tested(counts, counts.lattices)
    return Table("How often lattices are significant", says, head, rows, made)


def noise_scores(counts: Counts) -> Table:
    """Share of noise above grid scores, by both definitions."""
    rows, high = [], {threshold: {} for threshold in THRESHOLDS}
    for kind, maps in noise(counts.scored):
        scores = nfl.grid_scores(maps).score_60
        cells = []
        for definition in ("min_max", "mean"):
            for threshold in THRESHOLDS:
                above = (scores.sel(definition=definition) > threshold).values
                cells.append(share(above))
                if definition == "min_max" and kind in NOISE:
                    high[threshold][kind] = above.mean()
        rows.append((kind, *cells))
    low, middle, top = (f"{percent(max(of.values()), 1)} ({highest(of)})" for of in high.values())
    says = (
        f"Noise scores high, so a score alone is no evidence of a lattice. By min_max, up to {low} "
        f"are above {THRESHOLDS[0]}, up to {middle} above {THRESHOLDS[1]}, and up to {top} above "
        f"{THRESHOLDS[2]}."
    )
    head = "map", *(f"{of} > {limit}" for of in ("min_max", "mean") for limit in THRESHOLDS)
    return Table("How often noise scores high", says, head, rows, scored(counts.scored))


def noise_periods(counts: Counts) -> Table:
    """Share of noise in which `nfl.measure_lattices` finds a lattice."""
    rows, by_chance = [], {}
    for kind, maps in noise(counts.scored):
        found = nfl.measure_lattices(maps, BOX / BINS)
        has, good = found.period.notnull().values, (found.fit >= GOOD_FIT).values
        by_chance[kind] = has.mean()
        rows.append((kind, share(has), share(good)))
    of_noise = {kind: by_chance[kind] for kind in NOISE}
    says = (
        f"By chance, {spread(of_noise)} of maps of noise and bumps have a period, most often "
        f"{highest(of_noise)}. Fewer have one with a fit of {GOOD_FIT} or more."
    )
    head = "map", "has a period", f"with a fit of {GOOD_FIT} or more"
    return Table("How often noise has a period", says, head, rows, scored(counts.scored))


def periods(counts: Counts) -> Table:
    """Bias and greatest error of the periods of `nfl.measure_lattices`."""

    def maps_of(kind: str, period: float, bins: int) -> tuple[np.ndarray, np.ndarray]:
        random = generator(f"{kind} {period} {bins}")
        stretch = STRETCH if kind.startswith("stretched") else 1.0
        pairs = [hexagonal(period, random, bins, stretch) for _ in range(counts.measured)]
        maps, true = map(np.stack, zip(*pairs, strict=True))
        if kind.startswith("fields off"):
            maps = np.stack([jittered(period, 0.1, random, bins) for _ in range(counts.measured)])
        return with_noise(maps, random) if kind == "as much noise as signal" else maps, true

    kinds = ("clean", "as much noise as signal", "fields off by 10 %", f"stretched by {STRETCH}")
    rows, clean = [], {bins: 0.0 for bins in MEASURED_BINS}
    for bins in MEASURED_BINS:
        for kind in kinds:
            for period in MEASURED_PERIODS:
                maps, true = maps_of(kind, period, bins)
                found = nfl.measure_lattices(maps, BOX / bins).period.values
                has = np.isfinite(found)
                error = found[has] / true[has] - 1
                bias, largest = (error.mean(), np.abs(error).max()) if error.size else (np.nan,) * 2
                if kind == "clean":
                    clean[bins] = np.nanmax([clean[bins], largest])
                first = str(bins), kind, f"{period} m", share(has)
                rows.append((*first, f"{100 * bias:+.2f} %", f"{100 * largest:.2f} %"))
    coarse, fine = MEASURED_BINS
    says = (
        f"Periods of clean lattices are right within {percent(clean[fine], 2)} at {fine} bins and "
        f"{percent(clean[coarse], 2)} at {coarse} bins. Errors of displaced fields include that of "
        "the lattice itself, whose few visible fields need not have the nominal distance."
    )
    head = "bins", "map", "period", "has a period", "bias", "greatest error"
    made = f"{counts.measured} maps of each kind, {coarse} and {fine} bins, seed {SEED}."
    return Table("How exact periods are", says, head, rows, made)


def noise_classes(counts: Counts) -> Table:
    """How often `classify_lattices` calls noise a lattice."""
    rows, passed = [], {}
    for kind, maps in noise(counts.classified):
        found = classified(maps).lattice_class.values
        passed[kind] = np.mean(found != lattice_classes.OTHER)
        each = [share(found == name) for name in lattice_classes.LATTICES]
        rows.append((kind, share(found != lattice_classes.OTHER), *each))
    of_noise = {kind: passed[kind] for kind in NOISE}
    two, three = (percent(passed[f"{number} plane waves"]) for number in ("two", "three"))
    says = (
        f"At a level of {percent(LEVEL)}, {average(of_noise)} of maps of noise and bumps are "
        f"called a lattice; of single kinds, {spread(of_noise)}. Of two plane waves {two} are, and "
        f"of three {three}, because they are nearly one."
    )
    head = "map", "any lattice", *lattice_classes.LATTICES
    made = f"{scored(counts.classified)} {CLASSES_TESTED}"
    return Table("How often noise is called a lattice", says, head, rows, made)


def lattice_kinds(counts: Counts) -> Table:
    """How often `classify_lattices` names lattices right, and which the workflow does not test."""
    makers = {
        **{f"hexagons of {period} m": ("hexagonal", lattice, period) for period in PERIODS},
        **{f"squares of {period} m": ("square", squares, period) for period in PERIODS},
        **{f"{number} stripes per side": ("stripe", stripes, number) for number in (2, 3, 5)},
    }
    rows, right, untested = [], {}, []
    for kind, (truth, make, size) in makers.items():
        for added in ("", ", noisy"):
            random = generator(kind)
            maps = np.stack([make(size, random) for _ in range(counts.lattices)])
            found = classified(with_noise(maps, random) if added else maps)
            named = found.lattice_class.values
            least = unit_scores.LEAST_TO_CLASSIFY.items()
            low = np.logical_and.reduce([(found[name] < limit).values for name, limit in least])
            right[kind + added], untested = np.mean(named == truth), [*untested, low]
            each = [share(named == name) for name in (*lattice_classes.LATTICES, "other")]
            rows.append((kind + added, *each, share(low)))
    says = (
        f"{spread(right)} of lattices get their own name, least often "
        f"*{min(right, key=lambda kind: right[kind])}*. *Noisy* maps have as much white noise as "
        f"signal. Studies do not test units whose scores are all low, which are "
        f"{percent(np.mean(untested), 1)} of these lattices."
    )
    head = "map", *lattice_classes.LATTICES, "other", "scores too low to be tested"
    made = f"{scored(counts.lattices)} {CLASSES_TESTED}"
    return Table("Whether lattices get their own name", says, head, rows, made)


def classified(maps: np.ndarray) -> xr.Dataset:
    """The lattice of each map, with as many surrogates as in studies."""
    return lattice_classes.classify_lattices(maps, unit_scores.CLASS_SURROGATES, SEED, LEVEL)


def modules_found(counts: Counts) -> Table:
    """Units needed to find several modules, and what orientations add."""
    rows, needed = [], []
    for modules in counts.modules:
        units = int(grid_modules.units_needed(modules, seed=SEED, trials=counts.several_modules))
        needed.append(f"{units} for {modules}")
        random = generator(f"{modules} modules")
        found: dict[str, list[int]] = {"periods": [], "own": [], "any": []}
        for _ in range(counts.several_modules):
            module = random.integers(modules, size=units)
            period = np.exp(np.log(1.4) * module + 0.07 * random.standard_normal(units))
            own = random.uniform(0, np.pi / 3, modules)[module]
            own = own + np.deg2rad(3) * random.standard_normal(units)
            free = random.uniform(0, np.pi / 3, units)
            for name, orientation in (("periods", None), ("own", own), ("any", free)):
                features = grid_modules.features_of(period, orientation)
                found[name].append(grid_modules.quick_count(features, random))
        rights = [share(np.array(numbers) == modules) for numbers in found.values()]
        rows.append((str(modules), str(units), *rights))
    says = (
        f"So many units are needed to find the right number in 80 % of cases: {', '.join(needed)} "
        "modules. Each period is 1.4 times the one before, and periods of a module spread by 7 %. "
        "The last two columns are for the same units, with their orientations given as well."
    )
    head = (
        *("modules", "units needed", "found by periods"),
        *("with one orientation per module", "with random orientations"),
    )
    made = f"{counts.several_modules} sets of units, seed {SEED}."
    return Table("Units needed to find grid modules", says, head, rows, made)


def module_splits(counts: Counts) -> Table:
    """How often one module, or noise, is called several."""
    kinds: dict[str, Callable[..., np.ndarray]] = {
        "normal, 7 %": lambda random, size: 0.07 * random.standard_normal(size),
        "normal, 20 %": lambda random, size: 0.2 * random.standard_normal(size),
        "uniform log period, ratio 2.7": lambda random, size: random.uniform(0, 1, size),
        "uniform period, 0.5 to 1.5 m": lambda random, size: np.log(random.uniform(0.5, 1.5, size)),
        "skewed (0.5 m and a gamma)": lambda random, size: np.log(
            0.5 + 0.15 * random.gamma(2.0, size=size)
        ),
        "exponential": lambda random, size: random.exponential(0.3, size),
    }
    rows, split = [], {}
    for kind, make in kinds.items():
        cells = []
        for units in UNITS:
            random = generator(f"{kind} {units}")
            samples = make(random, (counts.one_module, units))[..., np.newaxis]
            several = np.array([grid_modules.quick_count(x, random) > 1 for x in samples])
            cells.append(share(several))
            split[f"{kind}, {units} units"] = several.mean()
        rows.append((kind, *cells))
    says = (
        f"One module is called several in {spread(split)} of cases. A uniform log period is the "
        f"worst case of the dip test, whose level is {percent(grid_modules.LEVEL)}."
    )
    head = "distribution of log period", *(f"{units} units" for units in UNITS)
    made = f"{counts.one_module} sets of units of each kind, seed {SEED}."
    return Table("How often one module is split", says, head, rows, made)


def rounding(counts: Counts) -> Table:
    """What single precision does to the scores of narrow fields on a high background."""
    random = generator("rounding")
    maps = np.stack(
        [
            bumps(random.uniform(0, BOX, (random.integers(2, 15), 2)), 0.06)
            for _ in range(counts.scored)
        ]
    )
    exact = nfl.grid_scores(maps).score_60.sel(definition="min_max").values
    rows, percentiles = [], (50, 90, 99)
    for background in BACKGROUNDS:
        single = (maps + background).astype(np.float32)
        scores = nfl.grid_scores(single).score_60.sel(definition="min_max").values
        change = np.percentile(np.abs(scores - exact), percentiles)
        rows.append((f"{background} times", *(f"{value:.2g}" for value in change)))
    says = (
        "Single precision loses digits where narrow fields stand on a high background, and the "
        "rounding is scored. Compute such maps in double precision, or without the background."
    )
    head = "background over fields", "half change by more than", "one in ten", "one in a hundred"
    return Table("What rounding does to scores", says, head, rows, scored(counts.scored))


TABLES = (
    noise_significance,
    lattice_significance,
    noise_scores,
    noise_periods,
    periods,
    noise_classes,
    lattice_kinds,
    modules_found,
    module_splits,
    rounding,
)


def share(holds: np.ndarray) -> str:
    """A share and its standard error, in percent."""
    near = (np.sum(holds) + 1) / (holds.size + 2)
    error = np.sqrt(near * (1 - near) / holds.size)
    return f"{100 * np.mean(holds):.1f} ± {100 * error:.1f} %"


def percent(value: float, digits: int = 0) -> str:
    return f"{100 * value:.{digits}f} %"


def spread(shares: dict[str, float]) -> str:
    """The least and greatest of some shares."""
    return f"{100 * min(shares.values()):.1f} to {percent(max(shares.values()), 1)}"


def average(shares: dict[str, float]) -> str:
    return percent(float(np.mean(list(shares.values()))), 1)


def highest(shares: dict[str, float]) -> str:
    return f"*{max(shares, key=lambda kind: shares[kind])}*"


def tested(counts: Counts, maps: int) -> str:
    return f"{maps} maps of each kind, {BINS} bins, {counts.surrogates} surrogates, seed {SEED}."


def scored(maps: int) -> str:
    return f"{maps} maps of each kind, {BINS} bins, seed {SEED}."
