"""No Free Lunch: when do grid cells emerge in networks trained to path-integrate?

    import nofreelunch as nfl

    scores = nfl.score(rate_maps, bin_size=0.05, surrogates=200)  # your own maps (..., y, x)
    target = nfl.build_target("gaussian", seed=0)                 # an encoding of position
    walks = nfl.random_walk(count=10, steps=20, seed=0)           # what a network integrates

`dir(nfl)` lists what there is. Each name is imported on first use, so `import nofreelunch` is quick
and does not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from nofreelunch.evaluation.rate_maps import measure_rate_maps as measure_rate_maps
    from nofreelunch.scoring.autocorrelograms import autocorrelograms as autocorrelograms
    from nofreelunch.scoring.expanding_ring import (
        expanding_ring_gridness as expanding_ring_gridness,
    )
    from nofreelunch.scoring.grid_modules import count_modules as count_modules
    from nofreelunch.scoring.grid_scores import grid_scores as grid_scores
    from nofreelunch.scoring.lattices import measure_lattices as measure_lattices
    from nofreelunch.scoring.score_maps import score as score
    from nofreelunch.scoring.significance import false_discovery as false_discovery
    from nofreelunch.scoring.significance import significance as significance
    from nofreelunch.scoring.spatial_measures import border_score as border_score
    from nofreelunch.scoring.spatial_measures import spatial_information as spatial_information
    from nofreelunch.scoring.spatial_measures import stability as stability
    from nofreelunch.study.sweeps import load_study as load_study
    from nofreelunch.task.catalogue import target_names as target_names
    from nofreelunch.task.targets import build_target as build_target
    from nofreelunch.task.trajectories import random_walk as random_walk
    from nofreelunch.theory.forecasts import forecast as forecast
    from nofreelunch.theory.spectra import predicted_period as predicted_period
    from nofreelunch.theory.spectra import spectrum as spectrum
    from nofreelunch.training.loop import train as train

_HOMES = {
    "random_walk": "task.trajectories",
    "build_target": "task.targets",
    "target_names": "task.catalogue",
    "load_study": "study.sweeps",
    "train": "training.loop",
    "measure_rate_maps": "evaluation.rate_maps",
    "score": "scoring.score_maps",
    "grid_scores": "scoring.grid_scores",
    "expanding_ring_gridness": "scoring.expanding_ring",
    "autocorrelograms": "scoring.autocorrelograms",
    "measure_lattices": "scoring.lattices",
    "significance": "scoring.significance",
    "false_discovery": "scoring.significance",
    "count_modules": "scoring.grid_modules",
    "spatial_information": "scoring.spatial_measures",
    "border_score": "scoring.spatial_measures",
    "stability": "scoring.spatial_measures",
    "spectrum": "theory.spectra",
    "predicted_period": "theory.spectra",
    "forecast": "theory.forecasts",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*_HOMES, "__version__"])
