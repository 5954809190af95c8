"""Every wrong study is refused with one line: the key, what was found and what is allowed."""

import os

import pytest
import study_files
from nofreelunch.study import sweeps
from nofreelunch.study.sweeps import StudyError


@pytest.fixture
def plan(tmp_path):
    return study_files.loader(tmp_path)


BAD = {
    "unknown key": (
        "sweep: {}",
        "sweep: unknown key; allowed: defaults, sweeps, trajectories (did you mean sweeps?)",
    ),
    "alias within its own anchor": (
        "sweeps: &a {one: {units: 8}, two: *a}",
        "mine.yaml: found an alias within its own anchor; allowed: other aliases",
    ),
    "octal number": ("sweeps: {one: {units: 0100}}", "line 1", "the number 0100; allowed: decimal"),
    "number to base 60": ("sweeps: {one: {units: 1:30}}", "the number 1:30; allowed: decimal"),
    "huge seed": (
        "sweeps: {one: {}}\ntrajectories: {training: {seed: 99999999999999999999}}",
        "trajectories.training.seed: found 99999999999999999999; allowed: a whole number >= 0 and",
    ),
    "arena of defaults": (
        "defaults: {arena: 1.1}\nsweeps: {one: {}}",
        "defaults.arena: found 1.1; allowed: trajectories.arena, the side of all arenas but those",
    ),
    "arena smaller than a field": (
        "sweeps: {one: {arena: [2.2, 1.1], place_cell_width: 1.5}}",
        "sweeps.one.place_cell_width: found 1.5; allowed: a width (m) > 0 and < 1.1, the side",
    ),
    "periodic defaults": (
        "defaults: {periodic: true}\nsweeps: {one: {}}",
        "defaults.periodic: found true; allowed: false: only a sweep is in a periodic arena",
    ),
    "periodic coordinates": (
        "sweeps: {one: {target: [gaussian, polar], periodic: true}}",
        "sweeps.one.periodic: found true; allowed: false but for targets of place cells",
    ),
    "periodic, with several fields": (
        "sweeps: {one: {fields_per_cell: {poisson: 3}, periodic: true}}",
        "sweeps.one.periodic: found true; allowed: false but for targets of place cells",
    ),
    "periodic, told the position": (
        "sweeps: {one: {cell: feedforward, periodic: true}}",
        "sweeps.one.periodic: found true; allowed: false for the cell feedforward, which is told",
    ),
    "defaults on a raster": (
        "defaults: {place_cell_centres: raster}\nsweeps: {one: {}}",
        "defaults.place_cell_centres: found 'raster'; allowed: random: only a sweep has",
    ),
    "coordinates on a raster": (
        "sweeps: {one: {target: high_dim_cartesian, place_cell_centres: raster}}",
        "sweeps.one.place_cell_centres: found 'raster'; allowed: random but for targets of place",
    ),
    "a raster of several fields": (
        "sweeps: {one: {fields_per_cell: {poisson: 3}, place_cell_centres: raster}}",
        "sweeps.one.place_cell_centres: found 'raster'; allowed: random but for targets of place",
    ),
    "a raster that is no square": (
        "sweeps: {one: {place_cells: 255, place_cell_centres: [random, raster]}}",
        "sweeps.one.place_cells: found 255; allowed: a square number of place cells on a raster",
    ),
    "unknown key of defaults": (
        "defaults: {unit: 3}\nsweeps: {one: {}}",
        "defaults.unit: unknown key; allowed: target, arena, periodic, place_cells, ",
        "(did you mean units?)",
    ),
    "unknown key of a sweep": (
        "sweeps: {one: {sigma: [0.1]}}",
        "sweeps.one.sigma: unknown key; allowed: source, sample, target, arena, periodic, place_",
    ),
    "misspelt target": (
        "sweeps: {one: {target: [gaussian, difference_of_sofmaxes]}}",
        "sweeps.one.target: found 'difference_of_sofmaxes'; allowed: cartesian, ",
        "(did you mean difference_of_softmaxes?)",
    ),
    "misspelt choice": (
        "defaults: {encoder_scale: place_cell}\nsweeps: {one: {}}",
        "defaults.encoder_scale: found 'place_cell'; allowed: a number > 0 or place_cells "
        "(did you mean place_cells?)",
    ),
    "negative width": (
        "sweeps: {one: {place_cell_width: -0.12}}",
        "sweeps.one.place_cell_width: found -0.12; allowed: a number > 0 or {uniform: [low, high]",
    ),
    "width of the arena": (
        "sweeps: {one: {place_cell_width: [0.1, {uniform: [0.1, 2.2]}]}}",
        "sweeps.one.place_cell_width: found {'uniform': [0.1, 2.2]}; allowed: ",
        "< 2.2, the side of the arena",
    ),
    "default width of a small arena": (
        "defaults: {place_cell_width: 0.7}\nsweeps: {one: {}}\ntrajectories: {arena: 0.5}",
        "defaults.place_cell_width: found 0.7; allowed: ",
        "< 0.5",
    ),
    "bounds out of order": (
        "sweeps: {one: {surround: {width_ratio: {uniform: [2.5, 1.5]}}}}",
        "sweeps.one.surround: found {'width_ratio': {'uniform': [2.5, 1.5]}}; allowed: uniform: "
        "[low, high] with low < high",
    ),
    "surround of one": (
        "sweeps: {one: {surround: {width_ratio: [2, 1]}}}",
        "sweeps.one.surround.width_ratio: found 1; allowed: a number > 1 or {uniform:",
    ),
    "surround without a convention": (
        "sweeps: {one: {surround: 2}}",
        "sweeps.one.surround: found 2; allowed: {width_ratio: a number > 1 or ",
    ),
    "surround with two conventions": (
        "sweeps: {one: {surround: {width_ratio: 2, variance_ratio: 4}}}",
        "sweeps.one.surround: found {",
        "} or {variance_ratio: a number > 1",
    ),
    "sweep that crosses to nothing": (
        "sweeps: {one: {seed: []}}",
        "sweeps.one.seed: found []; allowed: at least one value",
    ),
    "nested list without values": (
        "sweeps: {one: {surround: {width_ratio: []}}}",
        "sweeps.one.surround: found {'width_ratio': []}; allowed: at least one value",
    ),
    "sweep without content": ("sweeps: {one: }", "sweeps.one: found nothing; allowed: a mapping"),
    "no sweeps": ("defaults: {units: 3}", "sweeps: missing; allowed: one or more entries"),
    "empty sweeps": ("sweeps: {}", "sweeps: found {}; allowed: one or more entries, name: {"),
    "text among widths": (
        "sweeps: {one: {place_cell_width: [0.1, wide]}}",
        "sweeps.one.place_cell_width: found 'wide'; allowed: a number > 0",
    ),
    "list in a list": (
        "sweeps: {one: {place_cell_width: [[0.1, 0.2]]}}",
        "sweeps.one.place_cell_width: found [0.1, 0.2]; allowed: a number > 0",
    ),
    "list in defaults": (
        "defaults: {seed: [0, 1]}\nsweeps: {one: {}}",
        "defaults.seed: found [0, 1]; allowed: a whole number >= 0",
    ),
    "truth for a number": (
        "sweeps: {one: {units: yes}}",
        "sweeps.one.units: found true; allowed: a whole number >= 1",
    ),
    "truth for one field": (
        "sweeps: {one: {fields_per_cell: true}}",
        "sweeps.one.fields_per_cell: found true; allowed: 1 or {poisson: a number > 0",
    ),
    "negative seed": (
        "sweeps: {one: {seed: [0, -1]}}",
        "sweeps.one.seed: found -1; allowed: a whole number >= 0",
    ),
    "fraction of a unit": ("sweeps: {one: {units: 1.5}}", "sweeps.one.units: found 1.5; allowed:"),
    "infinite rate": (
        "sweeps: {one: {learning_rate: .inf}}",
        "sweeps.one.learning_rate: found inf; allowed: a finite number",
    ),
    "two sweeps of one name": (
        "sweeps:\n  one: {seed: 0}\n  one: {seed: 1}",
        "line 3: not a valid YAML file: key 'one' is given twice; allowed: once",
    ),
    "name of a sweep": (
        "sweeps: {My sweep: {}}",
        "sweeps.My sweep: found 'My sweep'; allowed: a sweep's name of lower-case letters",
    ),
    "number for a name": ("sweeps: {1: {}}", "sweeps: found 1; allowed: a key that is text"),
    "odd number of polar cells": (
        "sweeps: {one: {target: [polar, high_dim_polar], place_cells: 33}}",
        "sweeps.one.place_cells: found 33; allowed: an even number for high_dim_polar",
    ),
    "too many networks": (
        "sweeps: {one: {" + ", ".join(f"{k}: {list(range(1, 99))}" for k in ("units", "steps"))
        + f", batch_size: {list(range(1, 99))}" + "}}",
        "sweeps.one: found 941192; allowed: at most 200000 networks in one sweep",
    ),
    "sample without count": (
        "sweeps: {one: {sample: {seed: 1}}}",
        "sweeps.one.sample.count: missing; allowed: a whole number >= 1",
    ),
    "one seed for training and evaluation": (
        "sweeps: {one: {}}\ntrajectories: {evaluation: {seed: 0}}",
        "trajectories.evaluation.seed: found 0; allowed: another seed than",
    ),
    "not a mapping": ("- one\n- two", "found ['one', 'two']; allowed: a YAML mapping"),
    "empty file": ("", "found nothing; allowed: a YAML mapping"),
    "not YAML": ("sweeps: {one: [", "not a valid YAML file: "),
    "tabs": ("sweeps:\n\tone: {}", "line 2: not a valid YAML file: "),
    "no date": ("sweeps: {one: {seed: 2020-13-45}}", "not a valid YAML file: "),
    "control character": ("sweeps: \x00", "not a valid YAML file: "),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line(plan, case):
    content, *parts = BAD[case]
    with pytest.raises(StudyError) as caught:
        plan(content)
    message = str(caught.value)
    assert "\n" not in message
    assert "mine.yaml: " in message
    for part in parts:
        assert part in message


@pytest.mark.parametrize("name", ["lapto", "studies/mine.yaml", "tests"])
def test_a_study_that_is_not_there(name):
    with pytest.raises(StudyError) as caught:
        sweeps.load_study(name)
    message, known = str(caught.value), ", ".join(sweeps.study_names())
    where = f"which is no file in {os.getcwd()}"
    assert message.startswith(f"config: study: found {name!r}, {where}; allowed: {known}, or the ")
    assert ("(did you mean laptop?)" in message) == (name == "lapto")


def test_a_file_name_that_cannot_name_results(plan):
    with pytest.raises(StudyError, match=r"file name: found 'my study'; allowed: letters, digits"):
        plan("sweeps: {one: {}}", "my study.yaml")


def test_a_file_that_is_not_text(tmp_path):
    (tmp_path / "mine.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StudyError, match=r"mine\.yaml: not a YAML file: it is not UTF-8 text"):
        sweeps.load_study(tmp_path / "mine.yaml")


def test_a_study_of_ones_own_may_not_take_a_shipped_name(tmp_path):
    file = tmp_path / "laptop.yaml"
    file.write_text("sweeps: {one: {seed: 0}}")
    with pytest.raises(
        sweeps.StudyError, match=r"laptop\.yaml: file name: found 'laptop'; allowed"
    ):
        sweeps.load_study(file)
