"""What jobs ask of a scheduler grows with their cohort and doubles at each attempt."""

import pytest
from nofreelunch.networks.cohorts import Cohort
from nofreelunch.running import requests
from nofreelunch.study.costs import training_memory
from nofreelunch.study.sweeps import load_study


@pytest.fixture(scope="module")
def cohort():
    return load_study("laptop").cohorts[0]


def test_time_doubles_until_the_longest_that_is_allowed():
    asked = [requests.minutes(1.0, attempt, longest=1000) for attempt in (1, 2, 3, 4)]
    assert asked == [270, 540, 1000, 1000]
    assert requests.minutes(0.0, 1) == requests.STARTING
    assert requests.minutes(1e6, 1) == requests.DAY


def test_memory_doubles():
    assert [requests.megabytes(2000.7, attempt) for attempt in (1, 2, 3)] == [2000, 4000, 8000]


def test_training_asks_for_its_cohort_and_its_pool(cohort):
    specs = [network.spec for network in cohort.networks]
    assert requests.cohort_megabytes(cohort) == training_memory(specs) // 10**6
    small, large = (requests.training_megabytes(cohort, walks, "cpu") for walks in (10**3, 10**6))
    assert large - small == pytest.approx(2 * 4 * 2 * 41 * 999_000 / 1e6, abs=1)
    cuda = requests.training_megabytes(cohort, 10**3, "cuda")
    assert cuda - small == requests.PROCESS


def test_maps_ask_for_more_with_more_networks(cohort):
    one = Cohort("one", cohort.networks[:1])
    several = Cohort("several", cohort.networks[:1] * 8)
    parts = [requests.map_megabytes(group, bins=440) - requests.PROCESS for group in (one, several)]
    assert parts[1] == pytest.approx(8 * parts[0], abs=8)
