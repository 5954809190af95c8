"""What is no target, no parameter of one, or no position is refused by name."""

import re

import numpy as np
import pytest
from nofreelunch.task import targets
from target_examples import (
    DOS,
    GAUSSIAN,
    make,
)


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ("gausian", "target: found 'gausian'; allowed: cartesian,"),
        ({"place_cells": 12}, "target: found nothing; allowed: cartesian,"),
        (make(GAUSSIAN, cells=2), "place_cells: found 2; allowed: at least 3"),
        (make("high_dim_cartesian", cells=1), "place_cells: found 1; allowed: at least 2"),
        (make("high_dim_polar", cells=7), "place_cells: found 7; allowed: an even number"),
        (make("high_dim_polar", cells=0), "place_cells: found 0; allowed: at least 2"),
    ],
)
def test_bad_targets_are_refused_in_one_line(spec, found):
    with pytest.raises(ValueError, match=re.escape(found)) as error:
        targets.build_target(spec, 0)
    assert "\n" not in str(error.value)


def test_a_stack_holds_one_kind():
    with pytest.raises(ValueError, match="one kind of target"):
        targets.build_targets([make(GAUSSIAN), make(DOS)], [0, 0])
    with pytest.raises(ValueError, match="target: found 'gausian'; allowed: cartesian,"):
        targets.build_targets([make("gausian")], [0])


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ({"width": 0.3}, "width"),
        ({"surround": {"width_ratio": 1}}, "surround"),
        ({"surround": {"variance_ratio": 0.5}}, "surround"),
        ({"surround": {"width_ratio": 2, "variance_ratio": 2}}, "surround"),
        ({"surround": {"ratio": 2}}, "surround"),
        ({"surround": {"width_ratio": {"uniform": [0.9, 2]}}}, "surround"),
        ({"place_cell_width": -0.1}, "place_cell_width"),
        ({"place_cell_width": 0}, "place_cell_width"),
        ({"fields_per_cell": 3}, "fields_per_cell"),
        ({"amplitude_ratio": -2}, "amplitude_ratio"),
        ({"place_cell_centres": "even"}, "place_cell_centres"),
        ({"place_cell_centres": "raster", "place_cells": 255}, "place_cells"),
        ({"place_cell_centres": "raster", "fields_per_cell": {"poisson": 1}}, "fields_per_cell"),
    ],
)
def test_values_without_meaning_are_refused_by_name(spec, named):
    with pytest.raises(ValueError, match=rf"{named}.*allowed") as caught:
        targets.build_target({"target": "difference_of_softmaxes", **spec}, 0)
    assert "\n" not in str(caught.value)


def test_positions_and_outputs_have_the_right_last_axis():
    target = targets.build_target("gaussian", 0)
    with pytest.raises(ValueError, match="last axis: found 3; allowed: 2"):
        target.encode(np.zeros((5, 3)))
    with pytest.raises(ValueError, match="last axis: found 4; allowed: 256"):
        target.decode(np.zeros((5, 4)))
