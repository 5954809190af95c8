"""The scorecard: each row on the networks it names, and every comparison that can occur."""

import numpy as np
import pytest
import synthetic_summary
from nofreelunch.findings import comparisons, network_measures
from nofreelunch.findings.claims import scorecard, tables
from nofreelunch.findings.claims.scorecard import ROWS, Published
from nofreelunch.findings.verdicts import Estimate


@pytest.fixture(scope="module")
def full():
    return synthetic_summary.make("full")


@pytest.mark.parametrize(
    ("estimate", "said"),
    [
        ((0.5, 0.4, 0.6), "inside"),
        ((0.1, 0.0, 0.2), "below"),
        ((0.9, 0.8, 1.0), "above"),
        ((0.9, 0.6, 1.2), "may be inside"),
        ((0.9, np.nan, np.nan), "above"),
    ],
)
def test_where_a_number_lies(estimate, said):
    row = Published("X", "x", 0.3, 0.7, {}, scorecard.loss)
    assert scorecard.compared(row, Estimate(*estimate, 3)) == said


def test_rows_are_of_the_networks_that_they_name(full):
    found = {(row[0], row[1]): row for row in scorecard.rows(full)}
    reference = comparisons.select(full)
    share = network_measures.share_above(reference, 0.8)
    row = found["B1", "DoS, σ 0.12 m: units > 0.8"]
    assert row[2] == "4.4 to 4.9 %" and row[3].startswith(f"{100 * share.mean():.1f} % [")
    assert row[5] == "4 networks, 128 units, 3,500 steps"
    assert ("C2", "DoS, realistic: units > 0.8") in found
    assert ("C1", "DoS, mixed widths: units > 1.15") in found
    # 256 place cells: their cross-entropies are no match for those of 512
    assert not any(label in ("A3", "A4") and "entropy" in text for label, text in found)
    assert ("G1", "Gaussian, tanh: networks with a score > 0.8") not in found


def test_of_several_recipes_the_nearest_to_the_defaults_counts(full):
    one = comparisons.select(full)["network"].values[0]
    pairs = zip(full["network"].values, full["spec"].values.astype(str), strict=True)
    specs = [
        t.replace('"steps": 3500', '"steps": 20000') if name == one else t for name, t in pairs
    ]
    longer = full.assign_coords(spec=("network", specs))
    found = {(row[0], row[1]): row for row in scorecard.rows(longer)}
    assert found["B1", "DoS, σ 0.12 m: units > 0.8"][5] == "3 networks, 128 units, 3,500 steps"


def test_a_row_with_512_place_cells_is_compared(full):
    specs = [
        text.replace('"place_cells": 256', '"place_cells": 512') for text in full["spec"].values
    ]
    larger = full.assign_coords(spec=("network", specs))
    found = {row[1]: row for row in scorecard.rows(larger)}
    assert found["Gaussian, σ 0.12 m: cross-entropy"][2:5] == (
        "3.0720 to 3.1020",
        "5.0000 [5.0000, 5.0000]",
        "above",
    )


def test_every_row_can_be_told_from_the_others():
    labels = [(row.id, row.quantity, *map(str, row.keys.values())) for row in ROWS]
    assert len(set(labels)) == len(labels)
    assert all(row.low <= row.high for row in ROWS)


def test_the_table_is_left_out_where_no_row_applies(full):
    cartesian = comparisons.of_target(full, "cartesian")
    assert tables.scorecard_table(cartesian) == ""
    assert (
        "| B3 | DoS, σ 0.12 m: highest score of a network | 1.01 to 1.37 |"
        in tables.scorecard_table(full)
    )
