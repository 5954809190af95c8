"""Draws a figure of a made-up study, with made-up files of its cohorts."""

import importlib

import numpy as np
import synthetic_summary
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.text import Text
from nofreelunch.figures.contents import FIGURES


def draw(name: str, study) -> Figure:
    made = {"scores": scores, "training": trained}.get(FIGURES[name])
    if made:
        study = (*study[:2], made(study[0]))
    if FIGURES[name] == "patterns":
        study = (*study[:2], lambda _: synthetic_summary.patterns(study[1]))
    return importlib.import_module(f"nofreelunch.figures.{name}").draw(*study)


def scores(summary: xr.Dataset):
    """A function that opens made-up scores of a cohort: nulls of which significant units are free,
    and no other unit is."""
    null = np.where(
        summary["significant"], 0.5, summary["score_60"].sel(definition="min_max") + 0.3
    )
    made = summary[["score_60", "active", "significant"]]
    made = made.assign(null_95=(("network", "unit"), null))
    return lambda cohort: made.isel(network=np.flatnonzero(summary["cohort"].values == cohort))


def trained(summary: xr.Dataset):
    """A function that opens made-up learning curves of a cohort, which end at the final errors."""

    def of_cohort(name: str) -> xr.Dataset:
        networks = summary.isel(network=np.flatnonzero(summary["cohort"].values == name))
        final = networks["position_error"].sel(horizon=20).values[:, None]
        step = np.tile(np.arange(50, 5050, 50), (networks.sizes["network"], 1))
        error = final + (0.9 - final) * np.exp(-step / 800)
        dims = ("network", "checkpoint")
        curves = {"step": (dims, step), "loss": (dims, 5 + error), "position_error": (dims, error)}
        return xr.Dataset(curves, coords={"network": networks["network"].values})

    return of_cohort


def words(figure: Figure) -> list[Text]:
    figure.draw_without_rendering()
    return [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]


def only(study, rows) -> tuple:
    summary, theory, rate_maps = study
    return summary.isel(network=rows), theory, rate_maps
