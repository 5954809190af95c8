"""Maps that grow from the covariance of targets, without a network, scored like units."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import xarray as xr

from nofreelunch.scoring import grid_scores, lattices, significance
from nofreelunch.theory.pattern_formation import ACTIVATIONS, form_patterns

COUNT = 12  # maps of a target with one activation
STEPS = 2000  # of growth; in a box of 4.4 m nearly all scores have reached their last value
SURROGATES = 99  # of each kind; p-values go down to 0.01


def measure_patterns(
    spectra: Sequence[xr.Dataset], count: int = COUNT, activations: Sequence[str] = ACTIVATIONS
) -> xr.Dataset:
    """Grow maps from each target with each activation, as `form_patterns` does, and score them.

    >>> import nofreelunch as nfl
    >>> from nofreelunch.evaluation.patterns import measure_patterns
    >>> spectrum = nfl.spectrum(nfl.build_target("difference_of_softmaxes", seed=0))
    >>> found = measure_patterns([spectrum], count=4, activations=["relu"])
    >>> dict(found["p_value"].sizes)
    {'target': 1, 'activation': 1, 'unit': 4}

    No velocity, no path integration and no training enters: whatever lattices there are, the target
    has put there.

    Args:
        spectra: of targets with a periodic arena, as `split_spectra` returns them.
        count: maps of a target with one activation. They do not see each other.
        activations: any of "linear", "tanh", "relu".

    Returns:
        A dataset over (target, activation, unit), with the coordinate `spec` (target), JSON. A unit
        is one map.

        - `rate_map` (..., y, x).
        - `score_60`: grid score, min_max. `period` (m): as in `measure_lattices`.
        - `p_value`, `surrogate_score` (..., kind, surrogate): as in `significance`, with 99
          surrogates of each kind. `significant`: passes at a false-discovery rate of 5 % among
          the maps of a target and an activation.

    Raises:
        ValueError: for a count below 1, another activation, or a spectrum that is not periodic.
    """
    found = [_of_target(spectrum, count, activations) for spectrum in spectra]
    specs = [spectrum.attrs["spec"] for spectrum in spectra]
    together = xr.concat(found, "target", join="exact", combine_attrs="identical")
    return together.assign_coords(spec=("target", specs))


def _of_target(spectrum: xr.Dataset, count: int, activations: Sequence[str]) -> xr.Dataset:
    # A target's maps do not depend on the others of the study, nor are they grown from their noise.
    seed = zlib.crc32(spectrum.attrs["spec"].encode())
    each = [form_patterns(spectrum, kind, count, STEPS, seed) for kind in activations]
    bin_size = each[0].attrs["bin_size"]
    maps = xr.concat(each, "activation", combine_attrs="drop").astype(np.float32)
    maps = maps.assign_coords(activation=list(activations))
    chance = significance.significance(maps, SURROGATES, seed)[["p_value", "surrogate_score"]]
    found = {
        "rate_map": maps,
        "score_60": grid_scores.grid_scores(maps)["score_60"].sel(definition="min_max", drop=True),
        "period": lattices.measure_lattices(maps, bin_size)["period"],
        **chance.data_vars,
        "significant": significance.false_discovery(chance["p_value"]),
    }
    return xr.Dataset(found, attrs={"bin_size": bin_size, "surrogates": SURROGATES})
