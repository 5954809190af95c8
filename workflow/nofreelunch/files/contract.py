"""What each stage of the workflow writes: its files, and the variables that readers rely on.

This module is apart from `datasets`, so that planning a study does not import xarray.
"""

from typing import NamedTuple

LAYOUT = 5  # raise it when a name or dimension that a reader needs is renamed or removed


class Stage(NamedTuple):
    """The files of a stage, as a path in the results of a study, and the variables of each."""

    files: str
    variables: tuple[str, ...]

    @property
    def folder(self) -> str:
        """Folder of the files, in the results of a study."""
        return self.files.rpartition("/")[0]


STAGES = {
    "trajectories": Stage("trajectories/{walks}.nc", ("position", "velocity")),
    "training": Stage(
        "networks/{cohort}.nc", ("loss", "position_error", "step", "diverged", "spec")
    ),
    "rate_maps": Stage(
        "rate_maps/{cohort}.nc",
        ("rate_map", "occupancy", "stability", "position_error", "ridge_error", "spec"),
    ),
    "scores": Stage(
        "scores/{cohort}.nc",
        (
            *("score_60", "score_90", "gridness", "period", "field_count", "stability"),
            *("active", "dead", "constant", "spec"),
        ),
    ),
    "theory": Stage(
        "theory/{encoding}.nc", ("covariance", "power", "radial_power", "predicted_period")
    ),
    "patterns": Stage(
        "patterns.nc", ("rate_map", "score_60", "p_value", "surrogate_score", "significant", "spec")
    ),
    "lesions": Stage("lesions.nc", ("lesion_error", "spec")),
    "torus": Stage("models/{model}/torus/{job}.nc", ("torus_z", "torus_p", "spec")),
    "node_maps": Stage(
        "models/{model}/node_maps/{job}.nc", ("node_map", "link_accuracy", "preserved", "spec")
    ),
    "predictivity": Stage(
        "models/{model}/predictivity.nc", ("predictivity", "participation_ratio", "cell_map")
    ),
    "published": Stage("models/{model}/summary.nc", ("shown_unit", "spec")),
    "summary": Stage(
        "summary.nc",
        ("position_error", "diverged", "max_score", "grid_fraction", "modules", "spec"),
    ),
    "units": Stage(
        "units.nc", ("score_60", "gridness", "period", "present", "significant", "lattice_class")
    ),
}
