"""What a target predicts before any training: a lattice or none, its period, and why, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from tqdm import tqdm

from nofreelunch.errors import refused
from nofreelunch.task import targets
from nofreelunch.task.catalogue import facts_of
from nofreelunch.task.names import target_name
from nofreelunch.task.target import ARENA, Target
from nofreelunch.theory import formulas
from nofreelunch.theory.formulas import HEXAGONAL
from nofreelunch.theory.spectra import RESOLUTION, peak_of, spectrum, vertex

DRAWS = 4  # sets of place cells that a forecast is averaged over
FINEST = 2 * RESOLUTION  # positions along a side; more would take more than seconds
SOURCES = ("formula", "periodic", "bounded")
QUANTITIES = {"radius": "cycles/box", "contrast": "1", "period": "m"}


def forecast(target: str | Mapping[str, Any] | Target, arena: float = ARENA) -> xr.Dataset:
    """What the spectrum of a target predicts about trained networks: a lattice or none, and why.

    >>> import nofreelunch as nfl
    >>> found = nfl.forecast("difference_of_softmaxes")
    >>> print(found.attrs["sentence"])
    Difference-of-softmaxes targets predict a lattice with a period of 0.91 m (by formula): their
    power peaks on a ring of 2.8 cycles per box, 5.00 times as high as for waves as long as the box.
    The arena holds about 7 fields.
    >>> bool(nfl.forecast("gaussian")["lattice_expected"])
    False

    A lattice is expected where, for every draw of the place cells, the radial power of `spectrum`
    has its peak away from radius 1, on an annulus, and where the period fits in the arena.
    docs/theory.md says what this rests on. Networks whose units may be negative grow squares and
    stripes of the same wavelength instead.

    Args:
        target: a name or the keys of a target, as for `build_target`; or a built target, whose keys
            and arena are taken. Place cells are always drawn anew, `DRAWS` times.
        arena: side of the square arena, m.

    Returns:
        A dataset with a dimension `source`: "formula" for equal fields in an endless plane,
        "periodic" and "bounded" for `spectrum` with opposite walls joined or not. Values of the
        formula are NaN where fields differ, or are no Gaussians.
        `radius` (source): of the largest radial power, cycles per box. It is 1 without an annulus.
        `contrast` (source): the power there over that at radius 1.
        `period` (source): spacing of the hexagonal lattice, m; NaN without an annulus.
        `radius_spread`, `contrast_spread`, `period_spread` (source): standard deviation over the
        draws.
        `draws_with_annulus`: share of the draws, in the periodic arena.
        `lattice_expected`; `predicted_period` (m), from the formula where there is one and from the
        periodic spectrum elsewhere, NaN where no lattice is expected; `fields`, the number of
        fields of such a lattice that the arena holds.
        The attribute `sentence` says it in words.

    Raises:
        ValueError: one line, for what `build_target` refuses, a stack of targets, and fields too
            wide for the arena or too narrow for the grid of `spectrum`.
    """
    if isinstance(target, Target):
        if target.networks != 1:
            raise refused("target", f"a stack of {target.networks}", "one target")
        arena, target = target.arena, target.spec
    built = [targets.build_target(target, seed, arena) for seed in range(DRAWS)]
    spec = built[0].spec
    resolution = _resolution(spec, arena)
    periodic, bounded = (
        _by_spectrum([spectrum(one, resolution, joined) for one in built])
        for joined in (True, False)
    )
    mean = np.array([_by_formula(spec, arena), periodic[0], bounded[0]])
    draws = np.array([np.full_like(periodic[1], np.nan), periodic[1], bounded[1]])
    values: dict[str, Any] = {}
    for number, (name, unit) in enumerate(QUANTITIES.items()):
        values[name] = ("source", mean[:, number], {"units": unit})
        spread = [_spread(one[:, number]) for one in draws]
        values[f"{name}_spread"] = ("source", spread, {"units": unit})
    values["draws_with_annulus"] = (periodic[1][:, 0] > 1).mean()
    about = {"spec": json.dumps(spec), "arena": float(arena), "draws": DRAWS}
    return _concluded(xr.Dataset(values, {"source": list(SOURCES)}, about), spec)


def forecast_sweeps(
    sweeps: Mapping[str, Sequence[Mapping[str, Any]]], arena: float, progress: bool = False
) -> pd.DataFrame:
    """A table of what the targets of each sweep predict: one row per sweep.

    Args:
        sweeps: keys of the targets of each sweep, by the sweep's name. Equal ones count once. The
            key `arena` (m) is for targets in another arena.
        arena: side of the arena, m.
        progress: whether to draw a progress bar where the output is a terminal.

    Returns:
        A table by sweep: number of `targets` and of those with a `lattice`; the ranges, as text, of
        `radius` (cycles per box) and `contrast` in the periodic arena, and of the `period` (m) of
        expected lattices; and `sentence`. A target that `forecast` refuses is only in the number
        of targets and in the sentence.

    Raises:
        ValueError: as `forecast` does, if it refuses all targets.
    """
    texts = {name: dict.fromkeys(map(json.dumps, specs)) for name, specs in sweeps.items()}
    distinct = dict.fromkeys(text for of_sweep in texts.values() for text in of_sweep)
    bar = tqdm(distinct, "forecasting", unit="target", disable=not progress or None)
    each: dict[str, xr.Dataset] = {}
    failed: dict[str, str] = {}
    for text in bar:
        spec = json.loads(text)
        own = spec.pop("arena", arena)
        try:
            each[text] = forecast(spec, own)
        except ValueError as error:
            failed[text] = str(error)
    if failed and not each:
        raise ValueError("; ".join(dict.fromkeys(failed.values())))
    rows = {}
    for name, of_sweep in texts.items():
        errors = dict.fromkeys(failed[text] for text in of_sweep if text in failed)
        found = [each[text] for text in of_sweep if text in each]
        rows[name] = _row(found, len(of_sweep), list(errors))
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("sweep")


def _resolution(spec: Mapping[str, Any], arena: float) -> int:
    """Positions along a side, at most the narrowest field apart. Raises as `forecast` does."""
    if not _has_fields(spec):
        return RESOLUTION
    width = spec["place_cell_width"]
    low, high = width["uniform"] if isinstance(width, Mapping) else (width, width)
    if high >= arena:
        raise refused("place_cell_width", f"{high:g} m", f"less than the arena, {arena:g} m")
    needed = int(np.ceil(arena / low)) + 1
    if needed > FINEST:
        allowed = f"at least {arena / (FINEST - 1):.2g} m in an arena of {arena:g} m"
        raise refused("place_cell_width", f"{low:g} m", allowed)
    return max(RESOLUTION, needed)


def _has_fields(spec: Mapping[str, Any]) -> bool:
    return "place_cell_width" in facts_of(spec["target"]).uses


def _by_formula(spec: Mapping[str, Any], arena: float) -> tuple[float, float, float]:
    """Radius, contrast and period for equal fields in the plane; NaN where there is no formula."""
    field = formulas.field_of(spec) if _has_fields(spec) else None
    if field is None:
        return np.nan, np.nan, np.nan
    radius, contrast = _ring(field, arena)
    if radius > 1 and contrast > 1:
        return radius, contrast, HEXAGONAL * arena / radius
    return 1.0, 1.0, np.nan


def _ring(field: formulas.Field, arena: float) -> tuple[float, float]:
    """Radius of a field's ring, cycles per arena, and its power over that at radius 1."""
    longest, ring = 2 * np.pi / arena, formulas.ring(*field)
    contrast = formulas.power(ring, field) / formulas.power(longest, field)
    return ring / longest, float(contrast)


def _by_spectrum(draws: Sequence[xr.Dataset]) -> tuple[tuple[float, float, float], np.ndarray]:
    """Radius, contrast and period of the mean spectrum, and of each draw's (draw, 3)."""
    radius, box = draws[0]["radius"].values, draws[0].attrs["box"]
    radial = np.stack([one["radial_power"].values for one in draws])
    each = np.array([_peak(radius, one, box) for one in radial])
    return _peak(radius, radial.mean(axis=0), box), each


def _peak(radius: np.ndarray, radial: np.ndarray, box: float) -> tuple[float, float, float]:
    """Radius, contrast and period of one spectrum."""
    peak = peak_of(radius, radial)
    period = HEXAGONAL * box / vertex(radius, radial) if radius[peak] > 1 else np.nan
    return float(radius[peak]), float(radial[peak] / radial[radius == 1].item()), float(period)


def _spread(values: np.ndarray) -> float:
    """Standard deviation of the values that are not NaN; NaN for fewer than two."""
    known = values[np.isfinite(values)]
    return float(known.std(ddof=1)) if known.size > 1 else float("nan")


def _concluded(found: xr.Dataset, spec: Mapping[str, Any]) -> xr.Dataset:
    """The forecast with its conclusions: whether a lattice is expected, its period, the words."""
    arena, box = found.attrs["arena"], found.sel(source="periodic")
    formula = float(found["period"].sel(source="formula"))
    period = formula if np.isfinite(formula) else float(box["period"])
    expected = bool(found["draws_with_annulus"] == 1 and period <= arena)
    fields = HEXAGONAL * (arena / period) ** 2  # a field of the lattice has a part of the plane
    found["lattice_expected"] = expected
    found["predicted_period"] = ((), period if expected else np.nan, {"units": "m"})
    found["fields"] = fields if expected else np.nan
    label = _name(spec)
    if expected:
        spread = float(box["period_spread"])
        how = "by formula" if np.isfinite(formula) else f"from spectra, ± {spread:.2f} m"
        sentence = (
            f"{label} targets predict a lattice with a period of {period:.2f} m ({how}): their "
            f"power peaks on a ring of {float(box['radius']):.1f} cycles per box, "
            f"{float(box['contrast']):.2f} times as high as for waves as long as the box. The "
            f"arena holds about {fields:.0f} fields."
        )
    else:
        sentence = f"{label} targets {_why_none(found, spec, period)}."
    return found.assign_attrs(sentence=sentence)


def _why_none(found: xr.Dataset, spec: Mapping[str, Any], period: float) -> str:
    """Why no lattice is expected, as the end of a sentence."""
    arena, box = found.attrs["arena"], found.sel(source="periodic")
    draws = round(float(found["draws_with_annulus"]) * DRAWS)
    if not box["radius"] > 1:
        why = _why_no_annulus(spec, arena)
        return f"predict no lattice: their power is highest for waves as long as the box{why}"
    if draws < DRAWS:
        return (
            f"are undecided: their power peaks on a ring for {draws} of {DRAWS} draws of the place "
            "cells, and for waves as long as the box for the others"
        )
    return (
        f"predict no lattice that fits: their power peaks on a ring of {float(box['radius']):.1f} "
        f"cycles per box, but the period, {period:.2f} m, is longer than the arena, {arena:g} m"
    )


def _why_no_annulus(spec: Mapping[str, Any], arena: float) -> str:
    """Why the power peaks at the longest waves, as the end of a sentence."""
    facts = facts_of(spec["target"])
    if not _has_fields(spec):
        return ", as they have no place fields"
    if facts.centre_surround is None:
        return ", as their fields have no surround"
    field = formulas.field_of(spec)
    if field is None:
        return "; the rings of unequal fields do not add up"
    radius, contrast = _ring(field, arena)
    if np.isnan(radius):
        return ", as such a surround is too weak for a ring"
    if radius > 1 and contrast < 1:
        return f"; the ring at {radius:.1f} cycles per box has {contrast:.0%} of it"
    if radius > 1:
        return f"; equal fields in the plane have a ring at {radius:.1f} cycles per box"
    return "; the ring of such fields has waves too long for it"


def _row(forecasts: Sequence[xr.Dataset], count: int, errors: Sequence[str]) -> dict[str, Any]:
    """The row of a sweep of `count` targets in the table of `forecast_sweeps`."""
    refusal = f"not forecast: {'; '.join(errors)}"
    if not forecasts:
        nothing = dict.fromkeys(("radius", "contrast", "period"), "-")
        return {"targets": count, "lattice": 0, **nothing, "sentence": f"{refusal}."}
    together = xr.concat(forecasts, "target", combine_attrs="drop")
    expected, box = together["lattice_expected"].values, together.sel(source="periodic")
    period = together["predicted_period"].values[expected]
    row = {
        "targets": count,
        "lattice": int(expected.sum()),
        "radius": _range(box["radius"].values),
        "contrast": _range(box["contrast"].values),
        "period": _range(period),
    }
    if count == 1:
        return row | {"sentence": forecasts[0].attrs["sentence"]}
    labels = [_name(json.loads(one.attrs["spec"])) for one in forecasts]
    others = ", ".join(dict.fromkeys(np.array(labels)[~expected].tolist()))
    sentence = f"{row['lattice']} of {row['targets']} targets predict a lattice"
    sentence += f", with periods of {row['period']} m" if expected.any() else ""
    sentence += f"; the others do not ({others})" if others else ""
    sentence += f"; {refusal}" if errors else ""
    return row | {"sentence": f"{sentence}."}


def _name(spec: Mapping[str, Any]) -> str:
    return target_name(spec["target"], [spec["amplitude_ratio"]])


def _range(values: np.ndarray) -> str:
    """Lowest and highest value as text; "-" where there is none."""
    if not values.size:
        return "-"
    ends = [f"{end:.2f}" for end in (values.min(), values.max())]
    return ends[0] if ends[0] == ends[1] else "–".join(ends)
