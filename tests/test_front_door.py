"""`import nofreelunch as nfl`: fast, without torch, and complete."""

import subprocess
import sys

import nofreelunch as nfl
import pytest

NAMES = """
autocorrelograms border_score build_target count_modules expanding_ring_gridness false_discovery
forecast grid_scores load_study measure_lattices measure_rate_maps predicted_period random_walk
score significance spatial_information spectrum stability target_names train
""".split()


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    return done.stdout + done.stderr


def test_dir_lists_what_there_is():
    assert dir(nfl) == sorted([*NAMES, "__version__"])


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_there_and_explains_itself(name):
    assert getattr(nfl, name).__name__ == name
    assert getattr(nfl, name).__doc__


def test_importing_it_takes_neither_torch_nor_any_other_library():
    code = "import sys; before = {*sys.modules}; import nofreelunch; print({*sys.modules} - before)"
    (said,) = run(code).splitlines()
    others = {name.strip(" '{}").split(".")[0] for name in said.split(",")}
    assert not others & {"torch", "numpy", "xarray", "pandas", "scipy", "netCDF4"}


@pytest.mark.parametrize("use", ["nfl.target_names()", "nfl.load_study('laptop')", "nfl.score"])
def test_what_needs_no_torch_takes_none(use):
    assert run(f"import sys, nofreelunch as nfl; {use}; print('torch' in sys.modules)") == "False\n"


def test_a_misspelt_name_gets_pythons_own_error():
    said = run("import nofreelunch as nfl; nfl.grid_scoers")
    assert said.strip().splitlines()[-1] == (
        "AttributeError: module 'nofreelunch' has no attribute 'grid_scoers'. "
        "Did you mean: 'grid_scores'?"
    )
