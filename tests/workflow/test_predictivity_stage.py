"""The stage that predicts populations of cells, through Snakemake, with a small model."""

import numpy as np
import pytest
import xarray as xr
import yaml
from changes import edited
from checkouts import ROOT, Checkout, copy_checkout
from nofreelunch.study.published_models import NOT_OF_NETWORKS
from published_examples import THREE_LAYER

pytestmark = pytest.mark.workflow

MODEL, STUDY = "nayebi_2021", "mine.yaml"
SUMMARY = f"results/mine/models/{MODEL}/summary.nc"


def small() -> str:
    """The file of the model with two networks of one variant, and small populations."""
    values = yaml.safe_load((ROOT / "workflow" / "models" / f"{MODEL}.yaml").read_text())
    keys = {k: v for k, v in THREE_LAYER.items() if k not in ("model", "part", "kind")}
    keys |= {"variant": "reward", "seed": [0, 1], "cohort_size": 2}
    keys["walks"] = {"training": 40, "maps": 400, "longer": 40}
    assert set(NOT_OF_NETWORKS) <= set(keys)
    predicted = values["parts"]["predictivity"]["all"] | {"units": 3, "participation_ratio": 1.1}
    predicted["populations"] = {"grid": {"grid": 10}, "mixed": {"border": 5, "irregular": 5}}
    budgets = {"minutes": {}, "paper": {}}
    parts = {
        "reward": {"kind": "three_layer", "all": keys, **budgets},
        "predictivity": {"kind": "predictivity", "all": predicted, **budgets},
    }
    return yaml.safe_dump({**values, "parts": parts})


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Checkout:
    checkout = copy_checkout(tmp_path_factory.mktemp("predictivity") / "checkout")
    checkout.path(f"workflow/models/{MODEL}.yaml").write_text(small())
    checkout.path(STUDY).write_text(f"models: [{MODEL}]\n")
    done = checkout.snakemake("--cores", "2", SUMMARY, study=STUDY)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return checkout


def test_the_summary_has_the_predictivity_of_its_networks(finished):
    with xr.open_dataset(finished.path(SUMMARY)) as summary:
        scores = summary["predictivity"]
        assert scores.sizes == {"network": 2, "source": 4, "population": 2, "footing": 3}
        assert np.isfinite(scores.sel(footing="published")).all()
        assert scores.attrs["long_name"].startswith("median correlation")
        assert summary.attrs["title"] == "All networks of a published model"


def test_only_what_is_predicted_runs_again_where_populations_change(finished):
    model = f"workflow/models/{MODEL}.yaml"
    with edited(finished, (model, "grid: 10", "grid: 12")):
        done = finished.snakemake("--dry-run", SUMMARY, study=STUDY)
    said = done.stdout + done.stderr
    assert "published_predictivity" in said and "published_summary" in said
    assert "published_training" not in said and "published_maps" not in said


def test_recordings_that_do_not_fit_end_the_run_in_one_line(finished):
    model, cells = f"workflow/models/{MODEL}.yaml", finished.path("cells.npz")
    np.savez(cells, rate_map=np.random.default_rng(0).random((12, 20, 20)), bin_size=0.05)
    with edited(finished, (model, "recordings: null", "recordings: cells.npz")):
        done = finished.snakemake("--cores", "1", SUMMARY, study=STUDY)
    said = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in said
    assert "cells.npz: found 20 x 20 bins of 0.05 m; allowed: 44 x 44 bins of 0.05 m" in said
