"""The study of published models through Snakemake, with small models of the same kinds."""

import json

import pytest
import xarray as xr
import yaml
from changes import edited
from checkouts import ROOT, Checkout, copy_checkout
from nofreelunch.study.published_models import NOT_OF_NETWORKS
from published_examples import FACTORS, LEAKY, LSTM

pytestmark = pytest.mark.workflow

WALKS = {"walks": {"training": 40, "maps": 40, "longer": 40}, "cohort_size": 4}
PARTS = {
    "sorscher_2019": {"factorisations": FACTORS, "square_lstm": LSTM},
    "cueva_wei_2018": {"ingredients": LEAKY | {"stillness": 0.9, "steps": 10}},
}
STUDY = "published"


def small(name: str) -> str:
    """The file of a small model with the parts of a published one."""
    values = yaml.safe_load((ROOT / "workflow" / "models" / f"{name}.yaml").read_text())
    parts = {}
    for part, spec in PARTS[name].items():
        keys = {k: v for k, v in spec.items() if k not in ("model", "part", "kind")}
        keys |= {} if spec["kind"] == "factorisation" else WALKS
        longer = {"steps": 2000} if "steps" in keys else {}
        parts[part] = {"kind": spec["kind"], "all": keys, "minutes": {}, "paper": longer}
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
    for path in finished.path(f"results/{STUDY}/models").rglob("*.nc"):
        with xr.open_dataset(path) as opened:
            assert len(opened.attrs["code_fingerprint"]) == 12
            specs = [json.loads(text) for text in opened["spec"].values]
            assert {spec["model"] for spec in specs} == {
                path.relative_to(finished.path(f"results/{STUDY}/models")).parts[0]
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
    assert "2 models at the budget of paper" in said and "core-hours" in said
    assert "published_training" in said and "published_walks" not in said


def test_a_budget_that_is_not_there_is_one_line(finished):
    with edited(finished, ("config.yaml", "budget: minutes", "budget: hours")):
        done = finished.snakemake("--dry-run", study=STUDY)
    assert done.returncode != 0
    assert "config: budget: found 'hours'; allowed: minutes, paper" in done.stderr + done.stdout
