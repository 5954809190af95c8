"""The answer of a study in one sentence."""

import numpy as np
import pytest
import synthetic_summary
import xarray as xr
from nofreelunch.findings import comparisons, headline, network_measures, verdicts


@pytest.fixture(scope="module")
def full() -> xr.Dataset:
    return synthetic_summary.make("full")


def test_the_headline_names_the_targets_above_chance(full):
    columns = comparisons.networks_by_target(full)
    share = {
        target: 100 * network_measures.small_p_values(networks).mean()
        for target, networks in columns.items()
    }
    general, dos = share["general_difference_of_gaussians"], share["difference_of_softmaxes"]
    found = sum(int(n["significant"].sum()) for n in columns.values())
    assert headline.answer(columns) == (
        "2 of 9 targets give more lattice-like units than chance: "
        f"Equal-area DoG ({general:.1f} %), DoS ({dos:.1f} %) at p ≤ 0.05 (chance 5.0 %); "
        f"{found} of 4,536 active units are significant"
    )
    del columns["general_difference_of_gaussians"]
    sentence = headline.answer(columns)
    assert sentence.startswith(
        "Difference-of-softmaxes targets (DoS) are the only ones of 8 that are shown to give more "
        "lattice-like units than chance: "
        f"{dos:.1f} % at p ≤ 0.05 (chance 5.0 %); "
    )
    alone = {"difference_of_softmaxes": columns["difference_of_softmaxes"]}
    assert headline.answer(alone).startswith("Difference-of-softmaxes targets (DoS) give more")


def test_the_headline_without_lattices_says_how_many_may_be_hidden(full):
    columns = comparisons.networks_by_target(synthetic_summary.without_lattices(full))
    least = verdicts.percent(network_measures.least_fraction(full))
    nothing = (
        f"none of 4,536 active units is significant, for which {least} of a network would be needed"
    )
    assert headline.answer(columns) == (
        f"None of 9 targets gives more lattice-like units than chance; {nothing}; of the DoS units "
        "at most 1.0 % may be perfect lattices (95 % interval)"
    )
    weak = {t: n.assign(test_power=n["test_power"] * 0 + 0.04) for t, n in columns.items()}
    assert headline.answer(weak).endswith("the test cannot tell whether DoS units are lattices")
    assert headline.answer({"cartesian": columns["cartesian"]}).startswith(
        "Cartesian targets give no more lattice-like units than chance; none of 504 active units"
    )


def test_the_headline_says_where_chance_is_not_known(full):
    tiny = synthetic_summary.make("tiny", learnt=False, chance=False)
    few = {t: n.isel(network=[0, 1]) for t, n in comparisons.networks_by_target(full).items()}
    for columns in ({}, few, comparisons.networks_by_target(tiny)):
        assert headline.answer(columns).startswith("Too few networks, or no surrogates")


def test_a_target_barely_above_chance_is_not_counted(full):
    networks = comparisons.of_target(full, "difference_of_softmaxes")
    some = np.zeros(networks["p_value"].shape)
    for network, count in enumerate((2, 9, 16, 3)):  # of 126: 6 % on average, between 1 and 13
        some[network, :count] = 0.01
        some[network, count:] = 0.5
    p_value = networks["p_value"].where(~networks["active"], some)
    spread = {"difference_of_softmaxes": networks.assign(p_value=p_value)}
    assert "give no more lattice-like units than chance" in headline.answer(spread)
