"""The tables at the end of the page of claims, on studies of which the answer is known."""

import json

import numpy as np
import pytest
import synthetic_summary
import xarray as xr
from nofreelunch.findings import comparisons, network_measures
from nofreelunch.findings.claims import tables


@pytest.fixture
def full():
    return synthetic_summary.make("full")


def test_variance_between_groups_is_that_of_the_shares(full):
    """The synthetic targets differ more than their seeds do; one seed has no variance."""
    text = tables.variance_table(full)
    groups = comparisons.networks_by_target(full).values()
    shares = [network_measures.excess(n) for n in groups if n.sizes["network"] > 1]
    share, low, _ = network_measures.variance_between(shares)
    assert low > 0.5
    assert f"| target | 9, 36 networks | {100 * share:.0f} % [{100 * low:.0f}, " in text
    alone = full.isel(network=np.flatnonzero(full["seed"].values == 0))
    assert tables.variance_table(alone).count("not known") == 6


def test_a_study_says_whether_longer_training_still_gives_more():
    study = synthetic_summary.make("controls")
    assert tables.training_lengths(study) == ""  # untrained networks are no second length
    longer = comparisons.select(study)
    specs = [spec | {"steps": spec["steps"] // 2} for spec in comparisons.specs(longer)]
    shorter = longer.assign_coords(
        network=[f"{name}-short" for name in longer["network"].values],
        spec=("network", [json.dumps(spec) for spec in specs]),
    )
    both = xr.concat([study, shorter], "network", data_vars="all")
    assert "changes by no more than chance: +0.0 points" in tables.training_lengths(both)
    fewer = synthetic_summary.without_lattices(shorter)
    text = tables.training_lengths(xr.concat([study, fewer], "network", data_vars="all"))
    steps = comparisons.specs(longer)[0]["steps"]
    assert f"From {steps // 2:,} to {steps:,} training steps" in text and "still rises: +" in text
    assert f"| {steps:,} | 4 | " in text and "| 0 | 4 | 8" in text
    alone = tables.training_lengths(both.isel(network=np.flatnonzero(both["seed"].values == 0)))
    assert "has no interval" in alone
