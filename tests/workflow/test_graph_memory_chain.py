"""Networks that walk on graphs, through Snakemake: without files of walks, and without boxes."""

import pytest
import xarray as xr
import yaml
from checkouts import copy_checkout
from published_examples import GRAPHS

pytestmark = pytest.mark.workflow

NAME = "whittington_2020"


def test_a_model_on_graphs_is_trained_measured_summarised_and_drawn(tmp_path):
    checkout = copy_checkout(tmp_path / "checkout")
    path = checkout.path(f"workflow/models/{NAME}.yaml")
    values = yaml.safe_load(path.read_text())
    keys = {k: v for k, v in GRAPHS.items() if k not in ("model", "part", "kind")}
    keys |= {key: [keys[key]] for key in ("modules", "phases")}
    keys |= {"steps": [0, 6], "seed": [0, 1], "cohort_size": 4}
    part = {"kind": "graph_memory", "all": keys, "minutes": {}, "paper": {}}
    path.write_text(yaml.safe_dump(values | {"parts": {"links": part}}))
    checkout.path("workflow/studies/published.yaml").write_text(f"models: [{NAME}]\n")
    results = "results/published"
    wanted = f"{results}/models/{NAME}/summary.nc", f"{results}/figures/{NAME}.png"
    done = checkout.snakemake("--cores", "2", *wanted, study="published")
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    made = checkout.path(f"{results}/models/{NAME}")
    assert {path.name for path in made.iterdir()} == {"networks", "node_maps", "summary.nc"}
    assert checkout.path(wanted[1]).stat().st_size > 5000
    with xr.open_dataset(checkout.path(wanted[0])) as summary:
        assert summary.sizes["network"] == 4
        assert summary["link_accuracy"].notnull().all()
    again = checkout.snakemake("--dry-run", *wanted, study="published")
    assert "Nothing to be done" in again.stdout + again.stderr
