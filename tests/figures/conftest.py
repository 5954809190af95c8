"""Studies of which figures are drawn, and the figures, each drawn once."""

from functools import cache

import pytest
import synthetic_summary
from figure_examples import draw


@pytest.fixture(scope="module")
def full():
    summary = synthetic_summary.make("full")
    return (
        summary,
        synthetic_summary.theory("full"),
        cache(synthetic_summary.rate_maps(summary, bins=11)),
    )


@pytest.fixture(scope="module")
def tiny():
    summary = synthetic_summary.make("tiny", learnt=False, chance=False)
    rate_maps = cache(synthetic_summary.rate_maps(summary, bins=11))
    return summary, synthetic_summary.theory("tiny"), rate_maps


@pytest.fixture(scope="module")
def chanceless(full):
    """The full study with units that all are chance: as many small p-values as the test's size."""
    return synthetic_summary.without_lattices(full[0]), *full[1:]


@pytest.fixture(scope="module")
def unlearnt(full):
    """The full study with networks at two of its widths, and of one setting, that learn nothing."""
    spec = full[0]["spec"].astype(str)
    bad = full[0]["place_cell_width"].isin([0.08, 0.10]) | spec.str.contains("0.18")
    error = full[0]["position_error"].where(~bad, 0.4)
    return full[0].assign(position_error=error, low_error=full[0]["low_error"] & ~bad), *full[1:]


@pytest.fixture(scope="module")
def drawn(request):
    """A function that draws a figure (name, study) once."""
    return cache(lambda name, study: draw(name, request.getfixturevalue(study)))
