"""The study of published models through Snakemake, with small models of the same kinds."""

import json
import re

import numpy as np
import pytest
import xarray as xr
import yaml
from changes import edited
from checkouts import ROOT, Checkout, copy_checkout
from nofreelunch.study import estimates, published_models
from nofreelunch.study.published_models import NOT_OF_NETWORKS
from published_examples import BOTTLENECK, FACTORS, GRAPHS, LEAKY, LSTM, THREE_LAYER

pytestmark = pytest.mark.workflow

WALKS = {"walks": {"training": 40, "maps": 400, "longer": 40}, "cohort_size": 4}
MACHINES = GRAPHS | {key: [GRAPHS[key]] for key in ("modules", "phases")}
PARTS = {
    "cueva_wei_2018": {"ingredients": LEAKY | {"stillness": 0.9, "steps": 10}},
    "banino_2018": {"dropout": BOTTLENECK},
    "sorscher_2019": {"factorisations": FACTORS, "square_lstm": LSTM},
    "whittington_2020": {"links": MACHINES | {"steps": [0, 6], "seed": [0, 1], "cohort_size": 4}},
    "nayebi_2021": {"reward": THREE_LAYER | {"variant": "reward", "seed": [0, 1]}},
}
STUDY = "published"
MODELS = f"results/{STUDY}/models"


def small(name: str) -> str:
    """The file of a small model with parts of a published one."""
    values = yaml.safe_load((ROOT / "workflow" / "models" / f"{name}.yaml").read_text())
    parts = {}
    for part, spec in PARTS[name].items():
        keys = {k: v for k, v in spec.items() if k not in ("model", "part", "kind")}
        keys |= {} if spec["kind"] in ("factorisation", "graph_memory") else WALKS
        longer = {"steps": 2000} if "steps" in keys else {}
        parts[part] = {"kind": spec["kind"], "all": keys, "minutes": {}, "paper": longer}
    if "predictivity" in values["parts"]:
        keys = values["parts"]["predictivity"]["all"] | {"units": 3, "components": 1}
        keys["populations"] = {"grid": {"grid": 10}, "mixed": {"border": 5, "irregular": 5}}
        parts["predictivity"] = {"kind": "predictivity", "all": keys, "minutes": {}, "paper": {}}
    return yaml.safe_dump({**values, "parts": parts})


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Checkout:
    checkout = copy_checkout(tmp_path_factory.mktemp("published") / "checkout")
    for name in PARTS:
        checkout.path(f"workflow/models/{name}.yaml").write_text(small(name))
    # The other figures are drawn elsewhere, and each is a job of many seconds.
    figures = checkout.path("workflow/nofreelunch/figures/published/model_figures.py")
    figures.write_text('FIGURES = ("side_by_side",)\n')
    done = checkout.snakemake("--cores", "2", study=STUDY)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return checkout


def planned(checkout: Checkout) -> str:
    done = checkout.snakemake("--dry-run", study=STUDY)
    return done.stdout + done.stderr


def test_it_ends_in_figures_claims_and_a_report_and_runs_once(finished):
    results = finished.path(f"results/{STUDY}")
    page = (results / "index.html").read_text()
    for name in PARTS:
        deviations = yaml.safe_load(small(name))["deviations"]
        for text in (*deviations["always"], *deviations["minutes"]):
            assert " ".join(text.split())[:40] in page
    assert (results / "figures/side_by_side.png").stat().st_size > 5000
    assert page.count("data:image/") == 1 and "Sa." in page and "Wh." in page
    assert (results / "report.html").stat().st_size > 100_000
    assert "![" in (results / "claims.md").read_text()
    assert "Nothing to be done" in planned(finished)


def test_its_files_say_what_made_them(finished):
    for path in finished.path(MODELS).rglob("*.nc"):
        with xr.open_dataset(path) as opened:
            assert len(opened.attrs["code_fingerprint"]) == 12
            if path.name == "predictivity.nc":  # the summary has the specs beside it
                continue
            specs = [json.loads(text) for text in opened["spec"].values]
            assert {spec["model"] for spec in specs} == {
                path.relative_to(finished.path(MODELS)).parts[0]
            }
            assert not any(key in spec for spec in specs for key in NOT_OF_NETWORKS)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("models/cueva_wei_2018/networks/*.nc", "published_training"),
        ("models/sorscher_2019/rate_maps/*.nc", "published_maps"),
        ("claims.md", "published_claims"),
    ],
)
def test_a_product_that_was_deleted_is_made_anew(finished, name, rule, tmp_path):
    path = next(finished.path(f"results/{STUDY}").glob(name))
    kept = path.rename(tmp_path / path.name)
    try:
        assert rule in planned(finished)
    finally:
        kept.rename(path)


def test_a_changed_sentence_of_a_claim_trains_nothing(finished):
    claims = "workflow/nofreelunch/findings/published/claims_of_cueva_wei.py"
    with edited(finished, (claims, "STABLE = 1.25", "STABLE = 1.5")):
        said = planned(finished)
    assert "published_claims" in said and "published_report" in said
    assert "published_training" not in said and "published_scores" not in said


def test_another_budget_trains_the_networks_anew_and_says_what_it_takes(finished):
    with edited(finished, ("config.yaml", "budget: minutes", "budget: paper")):
        said = planned(finished)
    assert "5 models at the budget of paper" in said and "core-hours" in said
    assert "published_training" in said and "published_walks" not in said


def test_a_budget_that_is_not_there_is_one_line(finished):
    with edited(finished, ("config.yaml", "budget: minutes", "budget: hours")):
        done = finished.snakemake("--dry-run", study=STUDY)
    assert done.returncode != 0
    assert "config: budget: found 'hours'; allowed: minutes, paper" in done.stderr + done.stdout


def test_networks_on_graphs_have_maps_of_nodes_and_no_rate_maps(finished):
    made = finished.path(f"{MODELS}/whittington_2020")
    assert {path.name for path in made.iterdir()} == {"networks", "node_maps", "summary.nc"}
    with xr.open_dataset(made / "summary.nc") as summary:
        assert summary.sizes["network"] == 4
        assert summary["link_accuracy"].notnull().all()


def test_a_summary_has_the_predictivity_of_its_networks(finished):
    with xr.open_dataset(finished.path(f"{MODELS}/nayebi_2021/summary.nc")) as summary:
        scores = summary["predictivity"]
        assert scores.sizes == {"network": 2, "source": 4, "population": 2, "footing": 3}
        assert np.isfinite(scores.sel(footing="published")).all()


def test_only_what_is_predicted_runs_again_where_populations_change(finished):
    with edited(finished, ("workflow/models/nayebi_2021.yaml", "grid: 10", "grid: 12")):
        said = planned(finished)
    assert "published_predictivity" in said and "published_summary" in said
    assert "published_training" not in said and "published_maps" not in said


def test_recordings_that_do_not_fit_end_the_run_in_one_line(finished):
    cells = finished.path("cells.npz")
    np.savez(cells, rate_map=np.random.default_rng(0).random((12, 20, 20)), bin_size=0.05)
    model = "workflow/models/nayebi_2021.yaml"
    with edited(finished, (model, "recordings: null", "recordings: cells.npz")):
        wanted = f"{MODELS}/nayebi_2021/predictivity.nc"
        done = finished.snakemake("--cores", "1", wanted, study=STUDY)
    said = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in said
    assert "cells.npz: found 20 x 20 bins of 0.05 m; allowed: 44 x 44 bins of 0.05 m" in said


def test_longer_training_starts_earlier(finished, monkeypatch):
    monkeypatch.setattr(published_models, "FOLDER", finished.path("workflow/models"))
    study = finished.path("workflow/studies/published.yaml")
    hours = {
        job: estimates.hours_of_job(settings, "cpu")
        for model in published_models.load_models(study, "minutes").values()
        for job, settings in model["jobs"].items()
    }
    for job in ("ingredients_1", "square_lstm_1", "links_1"):
        next(finished.path(MODELS).glob(f"*/networks/{job}.nc")).unlink()
    done = finished.snakemake("--cores", "1", "--until", "published_training", study=STUDY)
    started = re.findall(r"Training (\w+) of", done.stdout + done.stderr)
    assert done.returncode == 0 and len(started) == 3
    assert started == sorted(started, key=hours.__getitem__, reverse=True)
