"""The walk-through of docs/extending.md: its code, in a copy of the repository and by itself."""

import re
from pathlib import Path

import numpy as np
import pytest
import synthetic_summary
import xarray as xr
from conftest import copy_checkout
from matplotlib.figure import Figure
from nofreelunch.findings.claims import about_networks

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
APPENDED = (
    "task/place_cells.py",
    "networks/cells.py",
    "scoring/surrogates.py",
    "training/optimizers.py",
)


def block(name):
    """The code that the page says to put into `name`."""
    found = re.search(rf"<!-- {re.escape(name)} -->\n```\w+\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found, name
    return found.group(1)


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """A checkout with the page's target, cell, surrogates and study."""
    checkout = copy_checkout(tmp_path_factory.mktemp("extending") / "checkout")
    for name in APPENDED:
        path = checkout.path(f"workflow/nofreelunch/{name}")
        path.write_text(f"{path.read_text()}\n\n{block(name)}")
    checkout.path("mine.yaml").write_text(block("mine.yaml"))
    return checkout


@pytest.mark.workflow
def test_the_new_target_and_cell_are_trained_mapped_and_scored(extended):
    done = extended.snakemake("--cores", "2", "--until", "scores", "theory", study="mine.yaml")
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    files = sorted(extended.path("results/mine/networks").glob("*.nc"))
    assert {path.name.split("-")[0] for path in files} == {"exponential", "difference_of_softmaxes"}
    assert any("-mgu-" in path.name for path in files)
    for path in files:
        with xr.open_dataset(path) as trained:
            assert np.isfinite(trained["loss"]).all()
            # Thirty steps lower the loss of a network that has gradients.
            assert (trained["loss"][:, -5:].mean("checkpoint") < trained["loss"][:, 0]).all()
        with xr.open_dataset(path.parents[1] / "scores" / path.name) as scores:
            assert np.isfinite(scores["p_bins"]).any()


@pytest.mark.workflow
def test_a_misspelt_target_is_answered_with_the_new_one(extended):
    extended.path("typo.yaml").write_text("sweeps: {one: {target: exponental}}\n")
    done = extended.snakemake("--dry-run", study="typo.yaml")
    assert done.returncode != 0
    assert "did you mean exponential?" in done.stderr.strip().splitlines()[-1]


def test_the_new_figure_is_drawn_and_the_new_claim_judged():
    summary = synthetic_summary.make()
    names = {}
    exec(block("figures/ridge.py"), names)
    assert isinstance(names["draw"](summary, [], None), Figure)
    names = dict(vars(about_networks))
    exec(block("findings/claims/about_networks.py"), names)
    claim = names["position_is_linear"](summary, [])
    assert claim.id == "R1d" and claim.first.verdict
    estimate = claim.first.estimate
    assert 0 < estimate.low < estimate.value < estimate.high < 1
