"""The walk-through of docs/extending.md, followed in a copy of the repository."""

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from conftest import copy_checkout

pytestmark = pytest.mark.workflow

PAGE = Path(__file__).parents[1] / "docs" / "extending.md"


def block(name):
    """The code that the page says to put into `name`."""
    found = re.search(rf"<!-- {re.escape(name)} -->\n```\w+\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found, name
    return found.group(1)


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """A checkout with the page's target, cell and study."""
    checkout = copy_checkout(tmp_path_factory.mktemp("extending") / "checkout")
    for name in ("place_cells.py", "cells.py"):
        path = checkout.path(f"workflow/nofreelunch/{name}")
        path.write_text(f"{path.read_text()}\n\n{block(name)}")
    checkout.path("mine.yaml").write_text(block("mine.yaml"))
    return checkout


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


def test_a_misspelt_target_is_answered_with_the_new_one(extended):
    extended.path("typo.yaml").write_text("sweeps: {one: {target: exponental}}\n")
    done = extended.snakemake("--dry-run", study="typo.yaml")
    assert done.returncode != 0
    assert "did you mean exponential?" in done.stderr.strip().splitlines()[-1]
