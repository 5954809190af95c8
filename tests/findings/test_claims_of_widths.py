"""Claims about place-cell widths, periods and modules, on studies of which the answer is known."""

import numpy as np
import pytest
import synthetic_summary
import xarray as xr
from claim_examples import all_verdicts, one_claim, with_share
from nofreelunch.findings import comparisons, network_measures
from nofreelunch.findings.claims import page as claims_page
from nofreelunch.findings.verdicts import NOT_REPRODUCED, REPRODUCED, UNTESTABLE


@pytest.fixture
def full() -> xr.Dataset:
    return synthetic_summary.make("full")


def test_widths_that_matter_more_than_seeds_are_told_from_seeds_that_matter_more(full):
    peaked, noisy = full, full
    for row, networks in enumerate(comparisons.widths(full).values()):
        level = 0.1 if row % 2 else 0.0
        peaked = with_share(peaked, networks, [level, level + 0.01, level, level + 0.01])
        noisy = with_share(noisy, networks, [0.0, 0.15, 0.05, 0.1])
    assert one_claim("R3a", peaked).first.verdict == REPRODUCED
    assert one_claim("R3a", noisy).first.verdict == NOT_REPRODUCED


def test_widths_that_have_not_learnt_are_left_out(full):
    narrow = comparisons.widths(full)[0.08]["network"]
    failed = full.assign(low_error=full["low_error"] & ~full["network"].isin(narrow))
    before, after = (one_claim("R3a", summary) for summary in (full, failed))
    assert "Left out, because most networks miss the error criterion: 0.08 m." in after.reason
    assert (before.n, after.n) == ("20 networks, 5 widths", "16 networks, 4 widths")


def with_steps(summary: xr.Dataset, width: float, steps: int, seeds=(0, 1, 2, 3)) -> xr.Dataset:
    """The summary in which these networks of the width series were trained for other steps."""
    rows = comparisons.widths(summary)[width]
    names = rows["network"].values[np.isin(rows["seed"].values, seeds)]
    default = comparisons.defaults(summary)["steps"]
    specs = [
        text.replace(f'"steps": {default}', f'"steps": {steps}') if name in names else text
        for name, text in zip(
            summary["network"].values, summary["spec"].values.astype(str), strict=True
        )
    ]
    return summary.assign_coords(spec=("network", specs)).assign_attrs(summary.attrs)


def test_widths_that_were_trained_for_longer_count_and_are_named(full):
    longer = with_steps(full, 0.08, 15_000)
    before, after = one_claim("R3a", full), one_claim("R3a", longer)
    assert (after.n, after.first.estimate) == (before.n, before.first.estimate)
    assert "Trained for other than" in after.reason and "0.08 m for 15,000." in after.reason
    both = with_steps(full, 0.12, 15_000, seeds=(0,))
    assert comparisons.widths(both)[0.12].sizes["network"] == 3  # those of the default length
    assert "| 0.08 m | 4 (4 of 4) | 15,000 |" in claims_page.to_markdown([], longer)


def test_periods_are_those_of_widths_that_have_learnt(full):
    narrow = comparisons.widths(full)[0.08]["network"]
    failed = full.assign(low_error=full["low_error"] & ~full["network"].isin(narrow))
    assert comparisons.learnt_widths(failed).sizes["network"] == 16
    assert 0.08 not in network_measures.width_and_period(failed)[0]
    assert "16 networks, 4 widths" in one_claim("R4a", failed).n
    nothing = full.assign(low_error=full["low_error"] & False)
    assert comparisons.learnt_widths(nothing).sizes["network"] == 0


def test_a_width_counts_once_in_the_slope_of_periods(full):
    """Networks of one width are shifted alike by the box."""
    width, period = network_measures.width_and_period(full)
    means = [period[width == w].mean() for w in np.unique(width)]
    found = one_claim("R4a", full).second.estimate
    assert found.count == 5 and found.freedom == 3
    assert found.value == pytest.approx(np.polyfit(np.unique(width), means, 1)[0])


@pytest.mark.parametrize("name", ["R4b", "R4c"])
def test_a_width_counts_once_where_periods_are_compared(full, name):
    """Four networks each of five widths are five numbers; those of two widths are too few."""
    theory = synthetic_summary.theory("full")
    found = one_claim(name, full, theory)
    assert found.second.estimate.count == 5 and found.n == "20 networks, 5 widths"
    if name == "R4b":
        predicted = network_measures.predicted_periods(full, theory)
        ratios = [
            mean / predicted[width]
            for width, mean in zip(*network_measures.period_by_width(full), strict=True)
        ]
        assert found.second.estimate.value == pytest.approx(np.mean(ratios))
    two = np.isin(full["place_cell_width"], [0.08, 0.10])
    few = one_claim(name, full.isel(network=np.flatnonzero(two)), theory)
    assert all_verdicts([few]) == {UNTESTABLE} and "at 3 widths, found" in few.reason


def test_a_tuned_width_needs_neighbours_as_close_as_the_talks(full):
    assert all_verdicts([one_claim("R3b", full)]) == {UNTESTABLE}
    for old, new in ((0.10, 0.11), (0.15, 0.13)):
        moved = np.where(full["place_cell_width"] == old, new, full["place_cell_width"])
        specs = [
            str(s).replace(f'"place_cell_width": {old},', f'"place_cell_width": {new},')
            for s in full["spec"].values
        ]
        full = full.assign_coords(place_cell_width=("network", moved), spec=("network", specs))
    widths = comparisons.widths(full)
    for width, share in ((0.11, 0.01), (0.12, 0.10), (0.13, 0.01)):
        full = with_share(full, widths[width], [share, share + 0.01] * 2)
    assert one_claim("R3b", full).first.verdict == REPRODUCED
    longer = with_steps(full, 0.11, 15_000)
    assert one_claim("R3b", longer).first.verdict == UNTESTABLE


def with_modules(summary: xr.Dataset, counts: list[int], units: int) -> xr.Dataset:
    """The summary in which networks have these numbers of modules, in turn, among `units`."""
    modules = np.resize(counts, summary.sizes["network"])
    found = dict.fromkeys(("modules", "modules_low", "modules_high"), modules)
    found["modules_units"] = np.full(modules.size, units)
    return summary.assign({name: ("network", values) for name, values in found.items()})


@pytest.mark.parametrize(
    ("counts", "units", "verdict"),
    [
        ([1], 60, REPRODUCED),
        ([2], 60, NOT_REPRODUCED),
        ([1, 2], 60, UNTESTABLE),
        ([1], 53, UNTESTABLE),  # two modules would have been missed
        ([0], 5, UNTESTABLE),
    ],
)
def test_modules_are_counted_in_the_networks_that_resolve_them(full, counts, units, verdict):
    claim = one_claim("R4d", with_modules(full, counts, units))
    assert claim.second.verdict == verdict
    resolved = 20 if units >= 54 else 0
    assert claim.n == f"{resolved} resolved of 20 networks"
    assert "need 54 significant units with a period for 80 % power" in claim.reason
    missed = f"{20 * (counts == [0])} have too few units for any count"
    assert missed in claim.reason


def test_the_page_lists_the_modules_of_each_network(full):
    page = claims_page.to_markdown([], with_modules(full, [2], 60))
    _, _, modules = page.partition("## Grid modules by place-cell width")
    row = next(line for line in modules.splitlines() if line.startswith("| 0.12 m |"))
    assert row.count("2 [2, 2], 60 units") == 4
    assert "| 4 of 4 |" in row
