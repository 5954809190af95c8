"""The walk-through of docs/extending.md: its code, in a copy of the repository and by itself."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import synthetic_summary
from checkouts import copy_checkout, jobs_of
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
def test_the_study_is_planned(extended):
    done = extended.snakemake("--dry-run", study="mine.yaml")
    planned = jobs_of(done.stdout + done.stderr)
    assert planned["training"] == planned["rate_maps"] == planned["scores"] == 4
    assert planned["theory"] == 2


STAGES = """
import nofreelunch as nfl
import numpy as np
from nofreelunch.scoring.unit_scores import score_units

study = nfl.load_study("mine.yaml")
pool = nfl.random_walk(2000, 20, seed=0)
held_out = nfl.random_walk(400, 50, seed=1)
for cohort in study.cohorts:
    trained = nfl.train(cohort, pool, device="cpu")
    loss = trained["loss"].values
    # Thirty steps lower the loss of a network that has gradients.
    assert np.isfinite(loss).all() and (loss[:, -5:].mean(1) < loss[:, 0]).all(), cohort.name
    maps = nfl.measure_rate_maps(trained, held_out, bin_size=0.1)
    assert np.isfinite(score_units(maps, surrogates=20)["p_bins"]).any(), cohort.name
    print(*(cohort.networks[0][key] for key in ("target", "cell", "optimizer")))
spectrum = nfl.spectrum(nfl.build_target("exponential", seed=0))
assert np.isfinite(spectrum["power"]).all()
"""


@pytest.mark.workflow
def test_the_new_target_cell_and_optimizer_are_trained_mapped_and_scored(extended):
    """In one process, which takes the library of that checkout."""
    here = os.environ | {"PYTHONPATH": str(extended.path("workflow"))}
    command = [sys.executable, "-c", STAGES]
    done = subprocess.run(command, cwd=extended.folder, env=here, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert {tuple(line.split()) for line in done.stdout.splitlines()} == {
        ("exponential", "rnn", "adam"),
        ("difference_of_softmaxes", "mgu", "adam"),
        ("difference_of_softmaxes", "rnn", "momentum"),
    }


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
