"""Maps for tests of the files that others write, and what is asked of reading them."""

import numpy as np
import pytest
from nofreelunch.scoring.map_files import read_maps
from synthetic_maps import BOX, hexagonal_maps

BINS, COUNT = 20, 3
SIZE = BOX / BINS
# Lattices with a period of 0.7 m; one bin was never visited.
MAPS, _ = hexagonal_maps(BINS, 0.7, COUNT, np.random.default_rng(0), noise=0.1)
MAPS[:, 3, 5] = np.nan


def check(found, maps):
    assert {*found.dims[-2:]} == {"y", "x"}
    np.testing.assert_allclose(found.transpose(..., "y", "x").values, maps)


def refusal(path, *arguments):
    with pytest.raises(ValueError) as error:
        read_maps(path, *arguments)
    said = str(error.value)
    assert said.startswith(f"{path}") and "\n" not in said
    return said


def of_cells(*items):
    cells = np.empty(len(items), object)
    cells[:] = list(items)
    return cells
