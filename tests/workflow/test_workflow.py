"""The smoke study through Snakemake, and what runs again after a change or a move."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import netCDF4
import numpy as np
import pytest
import torch
import xarray as xr
from conftest import copy_checkout
from nofreelunch.figures.contents import FIGURES
from nofreelunch.study import sweeps
from test_extending import block

pytestmark = pytest.mark.workflow

AFTER_SUMMARY = {"figures", "claims", "report"}


@contextmanager
def edited(path, old: str, new: str) -> Iterator[None]:
    """`path` with `old` replaced by `new`, until the block ends."""
    before = path.read_text()
    assert old in before, f"{path} no longer contains {old!r}"
    path.write_text(before.replace(old, new, 1))
    try:
        yield
    finally:
        path.write_text(before)


def test_a_study_runs_from_trajectories_to_its_report(finished):
    for name in ["summary.nc", "units.nc", "summary.csv", "claims.md", "report.html"]:
        assert finished.results(name).stat().st_size > 500, name
    for figure in FIGURES:
        for suffix in ("pdf", "png"):
            assert finished.results(f"figures/{figure}.{suffix}").stat().st_size > 5000, figure
    assert finished.planned() == {}


def test_the_report_is_one_offline_file_with_figures_and_claims(finished):
    text = finished.results("report.html").read_text()
    for figure in FIGURES:
        assert f"{figure}.png" in text
    assert "claims" in text
    assert not re.search(r'<(script|link|img)[^>]+(src|href)="https?://', text)


def test_every_dataset_opens_with_xarray_and_says_what_made_it(finished):
    stages = {
        "networks": "training",
        "rate_maps": "rate_maps",
        "scores": "scores",
        "theory": "theory",
    }
    for folder, stage in stages.items():
        files = sorted(finished.results(folder).glob("*.nc"))
        assert files
        for path in files:
            with xr.open_dataset(path) as dataset:
                assert dataset.attrs["stage"] == stage
                assert len(dataset.attrs["code_fingerprint"]) == 12
                assert {"torch", "numpy", "python"} <= set(json.loads(dataset.attrs["versions"]))
                assert dataset.attrs["git_revision"]
                if folder != "theory":
                    specs = [json.loads(text) for text in dataset["spec"].values]
                    assert all("seed" in spec for spec in specs)
    with xr.open_dataset(finished.results("trajectories/training_20.nc")) as pool:
        assert pool.attrs["seed"] == sweeps.load_study("smoke").trajectories["training"]["seed"]


def test_all_files_of_a_stage_open_as_one(finished):
    one = {"combine": "nested", "concat_dim": "network", "join": "outer"}
    one |= {"data_vars": "minimal", "coords": "minimal", "compat": "override"}
    for stage in ("networks", "rate_maps", "scores"):
        with xr.open_mfdataset(str(finished.results(f"{stage}/*.nc")), **one) as everything:
            assert everything.sizes["network"] == len(sweeps.load_study("smoke").networks)


def test_the_summary_holds_every_network_of_the_study(finished):
    planned = sweeps.load_study("smoke")
    with xr.open_dataset(finished.results("summary.nc")) as summary:
        assert set(summary["network"].values) == {network.id for network in planned.networks}
        assert json.loads(summary.attrs["defaults"]) == planned.defaults
        for sweep, members in planned.sweeps.items():
            listed = summary["in_sweep"].sel(sweep=sweep).values.astype(bool)
            assert set(summary["network"].values[listed]) == set(members)
        diverged = summary["diverged"].values.astype(bool)
        assert [json.loads(s)["learning_rate"] for s in summary["spec"].values[diverged]] == [1e6]
        assert np.isfinite(summary["position_error"][~diverged]).all()


def test_a_cohort_whose_networks_all_diverge_says_so_and_the_study_goes_on(finished):
    logs = [path.read_text() for path in finished.results("logs/training").glob("*.log")]
    (said,) = [text for text in logs if "diverged" in text]
    assert "every network diverged; is the learning rate too high?" in said
    assert "1 of them diverged" in finished.results("claims.md").read_text()


def test_rate_maps_are_finite_exactly_where_the_arena_was_visited(finished):
    for path in finished.results("rate_maps").glob("*.nc"):
        with xr.open_dataset(path) as maps:
            assert maps["rate_map"].dims == ("network", "unit", "y", "x")
            if any(json.loads(spec)["learning_rate"] == 1e6 for spec in maps["spec"].values):
                continue  # it diverged
            visited = (maps["occupancy"] > 0).values
            finite = np.isfinite(maps["rate_map"].values)
            assert (finite == visited).all()


# These come before the tests that change file times, which count where there are no records.
@pytest.fixture
def moved(finished, tmp_path):
    """A function that makes a checkout elsewhere with the finished study's results."""

    def move(times: bool, records: bool):
        made = copy_checkout(tmp_path / "checkout")
        copy = shutil.copy2 if times else shutil.copyfile
        parts = ["results", *([".snakemake/metadata"] if records else [])]
        for part in parts:
            shutil.copytree(finished.path(part), made.path(part), copy_function=copy)
        return made

    return move


@pytest.mark.parametrize(("times", "records"), [(True, True), (True, False), (False, True)])
def test_moved_results_are_finished_there_too(moved, times, records):
    there = moved(times, records)
    assert there.planned() == {}
    said = there.snakemake("--dry-run")
    assert ("there is no record in .snakemake of 39 files" in said.stdout + said.stderr) == (
        not records
    )


def test_moved_results_without_times_and_records_are_taken_as_they_are_on_request(moved):
    there = moved(times=False, records=False)
    assert there.planned()["training"] == 13
    assert there.snakemake("--cores", "1", "--touch").returncode == 0
    assert there.planned() == {}


def test_moved_results_follow_changes_where_their_records_came_along(moved):
    there = moved(times=True, records=True)
    with edited(there.path("workflow/studies/smoke.yaml"), "0.12, 0.20]", "0.12, 0.25]"):
        assert there.planned()["training"] == 2


CHANGES_NOTHING = [  # file, what is there, and what is written instead
    (
        "workflow/nofreelunch/training/training_stack.py",
        "CURVE_TRAJECTORIES = 20",
        "# a comment\nCURVE_TRAJECTORIES = 20",
    ),  # comment
    (
        "workflow/nofreelunch/compute/kernels.c",
        "/* exp(x)",
        "/* The exponential, exp(x)",
    ),  # comment in C
    ("workflow/nofreelunch/networks/network_stack.py", '"""', '"""Changed. '),  # docstring
    (
        "workflow/nofreelunch/training/progress.py",
        "position error",
        "error of position",
    ),  # progress line
    (
        "workflow/nofreelunch/study/costs.py",
        "return 4 * len(specs)",
        "return 5 * len(specs)",
    ),  # memory estimate
    (
        "workflow/nofreelunch/running/notices.py",
        "that alone runs nothing again",
        "this alone makes nothing run again",
    ),  # notice
    (
        "workflow/nofreelunch/training/loop.py",
        '"no networks", "one or more"',
        '"none", "at least one network"',
    ),  # error message
    (
        "workflow/nofreelunch/training/loop.py",
        "training it in halves",
        "training one half after the other",
    ),  # line in the log
    (
        "workflow/nofreelunch/training/optimizers.py",
        'optimizer("adagrad", keep_mean=0.0',
        'optimizer("adagrad", keep_mean=0.5',
    ),  # optimiser that the study does not use
    ("Snakefile", "\nrule all", "\n# a comment\nrule all"),  # Snakefile
]


def test_what_only_prints_runs_nothing_again(finished):
    """Comments, docstrings, messages, estimates, and what the study does not use; all at once."""
    with ExitStack() as edits:
        for file, old, new in CHANGES_NOTHING:
            edits.enter_context(edited(finished.path(file), old, new))
        assert finished.planned() == {}


@pytest.mark.parametrize(
    ("file", "old", "new", "rules"),
    [
        pytest.param(
            "config.yaml",
            "grid_cells: 0.8",
            "grid_cells: 0.7",
            {"summary", *AFTER_SUMMARY},
            id="threshold",
        ),
        pytest.param(
            "workflow/nofreelunch/scoring/grid_scores.py",
            "import numpy as np\n",
            "import numpy as np\n\nADDED = 1\n",
            {"scores", "summary", *AFTER_SUMMARY},
            id="scorer",
        ),
        pytest.param(
            "workflow/nofreelunch/evaluation/rate_maps.py",
            "RIDGE = 1e-4",
            "RIDGE = 1e-3",
            {"rate_maps", "scores", "summary", *AFTER_SUMMARY},
            id="rate maps",
        ),
        pytest.param(
            "workflow/nofreelunch/training/training_stack.py",
            "CURVE_TRAJECTORIES = 20",
            "CURVE_TRAJECTORIES = 30",
            {"training", "rate_maps", "scores", "summary", *AFTER_SUMMARY},
            id="training",
        ),
        pytest.param(
            "workflow/nofreelunch/task/place_cells.py",
            'colour = "#E69F00"',
            'colour = "#E69F01"',
            AFTER_SUMMARY,
            id="colour of a target",
        ),
        pytest.param(
            "workflow/nofreelunch/seeds.py",
            "LATTICE_CLASSES = 8",
            "LATTICE_CLASSES = 9",
            {"scores", "summary", *AFTER_SUMMARY},
            id="random stream",
        ),
        pytest.param(
            "workflow/nofreelunch/training/minibatches.py",
            "BLOCK = 64",
            "BLOCK = 32",
            {"training", "rate_maps", "scores", "summary", *AFTER_SUMMARY},
            id="minibatches",
        ),
    ],
)
def test_only_what_changed_runs_again(finished, file, old, new, rules):
    with edited(finished.path(file), old, new):
        assert set(finished.planned()) == rules


@pytest.mark.parametrize(
    ("file", "old", "new", "cohorts"),
    [
        ("task/place_cells", "kernel = 0\n", "kernel = 0\n    added = 1\n", "gaussian"),
        ("task/coordinates", "        return x\n", "        return x + 0\n", "cartesian"),
        (
            "networks/cells",
            "FORGET_BIAS)\n    return gate",
            "FORGET_BIAS)\n    gate = +gate\n    return gate",
            "",
        ),
        (
            "networks/cells",
            "    return torch.sigmoid(exit_)",
            "    return +torch.sigmoid(exit_)",
            "lstm",
        ),
    ],
)
def test_an_edited_target_or_cell_trains_its_own_cohorts_only(finished, file, old, new, cohorts):
    trained = [p.stem for p in finished.results("networks").glob("*.nc")]
    expected = [name for name in trained if cohorts and cohorts in name.split("-")]
    with edited(finished.path(f"workflow/nofreelunch/{file}.py"), old, new):
        planned = finished.planned()
    assert planned.get("training", 0) == len(expected)
    assert bool(planned) == bool(expected)


def test_a_target_a_cell_and_an_optimizer_of_ones_own_train_nothing_there_is_again(finished):
    with ExitStack() as edits:
        for name in ("task/place_cells.py", "networks/cells.py", "training/optimizers.py"):
            path = finished.path(f"workflow/nofreelunch/{name}")
            text = path.read_text()
            edits.enter_context(edited(path, text, f"{text}\n\n{block(name)}"))
        assert not {"training", "rate_maps", "scores", "theory"} & set(finished.planned())


def test_a_removed_sweep_trains_nothing(finished):
    with edited(finished.path("workflow/studies/smoke.yaml"), "  cells:\n    cell: lstm\n", ""):
        assert set(finished.planned()) == {"summary", *AFTER_SUMMARY}


def test_a_changed_value_trains_its_own_networks_only(finished):
    with edited(finished.path("workflow/studies/smoke.yaml"), "0.12, 0.20]", "0.12, 0.25]"):
        assert finished.planned()["training"] == 2


def test_an_edited_figure_redraws_that_figure_only(finished):
    module = finished.path("workflow/nofreelunch/figures/result_3.py")
    with edited(module, "SPREAD = 0.003", "SPREAD = 0.004"):
        assert finished.planned() == {"figures": 1, "report": 1}


def test_file_times_run_nothing_again(finished):
    for part in ("Snakefile", "config.yaml", "workflow"):
        path = finished.path(part)
        for file in [path, *path.rglob("*")]:
            os.utime(file)
    os.utime(finished.results("trajectories/training_20.nc"))
    assert finished.planned() == {}


def test_an_added_seed_trains_the_new_networks_only(finished):
    file = finished.path("workflow/studies/smoke.yaml")
    with edited(file, "gaussians]\n    seed: [0, 1]", "gaussians]\n    seed: [0, 1, 2]"):
        assert finished.planned()["training"] == 4


def test_an_added_sweep_trains_the_new_networks_only(finished):
    file = finished.path("workflow/studies/smoke.yaml")
    with edited(file, "\ntrajectories:", "  added:\n    activation: tanh\n\ntrajectories:"):
        planned = finished.planned()
        assert planned["training"] == 1
        assert "theory" not in planned


def test_a_cohort_is_trained_to_the_same_bits_again(finished):
    path = sorted(finished.results("networks").glob("*lstm*.nc"))[0]
    with xr.open_dataset(path) as first:
        first.load()
    path.unlink()
    assert finished.snakemake("--cores", "1", f"results/smoke/networks/{path.name}").returncode == 0
    with xr.open_dataset(path) as second:
        xr.testing.assert_identical(first, second.load())
    assert set(finished.planned()) <= {"rate_maps"}


def test_a_damaged_file_is_named_and_finished_results_stay(finished):
    cohort = sorted(finished.results("rate_maps").glob("*.nc"))[0]
    scores = finished.results(f"scores/{cohort.name}")
    whole, scored = cohort.read_bytes(), scores.read_bytes()
    summary = finished.results("summary.nc").read_bytes()
    try:
        cohort.write_bytes(whole[: len(whole) // 2])
        done = finished.snakemake("--cores", "1", f"results/smoke/scores/{cohort.name}", "--force")
        assert done.returncode != 0
        assert f"results/smoke/rate_maps/{cohort.name}: not a readable netCDF file" in done.stderr
        assert finished.results("summary.nc").read_bytes() == summary
    finally:
        cohort.write_bytes(whole)
        scores.write_bytes(scored)
        finished.snakemake("--cores", "1", "--touch")


@contextmanager
def attribute(path, name: str, value) -> Iterator[None]:
    """A netCDF file with another attribute, and the same file time, until the block ends."""
    whole, when = path.read_bytes(), path.stat().st_mtime_ns
    with netCDF4.Dataset(path, "a") as file:
        file.setncattr(name, value)
    os.utime(path, ns=(when, when))
    try:
        yield
    finally:
        path.write_bytes(whole)
        os.utime(path, ns=(when, when))


def test_newer_libraries_are_named_and_run_nothing(finished):
    first = finished.results("networks") / f"{sweeps.load_study('smoke').cohorts[0].name}.nc"
    with attribute(first, "versions", json.dumps({"torch": "0.4.1"})):
        done = finished.snakemake("--dry-run")
        assert "results/smoke was made with torch 0.4.1 (now " in done.stdout + done.stderr
        assert finished.planned() == {}
        assert finished.planned("--forcerun", "training")["training"] > 5


def test_results_of_an_older_layout_stop_the_study_before_its_first_job(finished):
    layout = np.int64(1)
    first = sorted(finished.results("networks").glob("*.nc"))[0]
    with attribute(first, "layout", layout), edited(finished.path("config.yaml"), "0.8", "0.7"):
        done = finished.snakemake("--cores", "1")
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert "results/smoke/networks: found files of layout 1; allowed: " in done.stderr
    assert finished.planned() == {}


def test_a_cohort_that_was_edited_by_hand_is_refused(finished):
    cohort = sorted(finished.results("networks").glob("*.nc"))[0]
    maps = finished.results(f"rate_maps/{cohort.name}")
    whole, mapped = cohort.read_bytes(), maps.read_bytes()
    try:
        with netCDF4.Dataset(cohort, "a") as file:
            file["weight_decoder"][0, 0, 0] += 1
        done = finished.snakemake("--cores", "1", f"results/smoke/rate_maps/{cohort.name}")
        assert done.returncode != 0
        assert f"{cohort.name}: found other values than were written, was it edited?" in done.stderr
        assert not maps.exists()
    finally:
        cohort.write_bytes(whole)
        maps.write_bytes(mapped)
        finished.snakemake("--cores", "1", "--touch")
    assert finished.planned() == {}


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("place_cells: 32", "place_cell: 32", "place_cell"),
        ("difference_of_gaussians]", "difference_of_gausians]", "difference_of_gaussians"),
        (
            "place_cell_width: [0.10, 0.12, 0.20]",
            "place_cell_width: [0.12, -0.20]",
            "place_cell_width",
        ),
        ("place_cell_width: [0.10, 0.12, 0.20]", "place_cell_width: []", "place_cell_width"),
        (
            "place_cell_width: [0.10, 0.12, 0.20]",
            "place_cell_width: [0.12, wide]",
            "place_cell_width",
        ),
        (
            "surround: {width_ratio: {uniform: [1.5, 2.5]}}",
            "surround: {width_ratio: 1}",
            "surround",
        ),
        ("  cells:\n", "  widths:\n", "widths"),
    ],
)
def test_a_wrong_study_says_so_in_one_line_before_any_job(finished, old, new, named):
    with edited(finished.path("workflow/studies/smoke.yaml"), old, new):
        done = finished.snakemake("--cores", "1")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    message = done.stderr.strip().splitlines()[-1]
    assert "smoke.yaml" in message and named in message and "allowed" in message, message


@pytest.mark.parametrize("name", ["no_such_study", "no_such_file.yaml"])
def test_a_missing_study_is_named(finished, name):
    done = finished.snakemake("--cores", "1", study=name)
    assert done.returncode != 0
    assert name in done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("cohort_size: auto", "cohort_size: 0", "compute.cohort_size: found 0; allowed: auto or"),
        ("precision: float32", "precision: half", "compute.precision: found 'half'; allowed:"),
        ("minutes: 10", "minutes: -1", "compute.checkpoint_minutes: found -1; allowed:"),
    ],
)
def test_a_wrong_compute_setting_is_named(finished, old, new, named):
    with edited(finished.path("config.yaml"), old, new):
        done = finished.snakemake("--cores", "1")
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert named in done.stderr.strip().splitlines()[-1]


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU has both")
@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        (
            "precision: float32",
            "precision: tf32",
            "compute.precision: found 'tf32', which cpu does not have here; allowed: float32, bf",
        ),
        (
            "device: auto",
            "device: cuda",
            "compute.device: found 'cuda', but torch sees no CUDA device; allowed: auto, cpu",
        ),
    ],
)
def test_a_device_that_is_not_there_stops_the_study_before_its_first_job(finished, old, new, named):
    with edited(finished.path("config.yaml"), old, new):
        done = finished.snakemake("--cores", "1", "--forcerun", "training")
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert named in done.stderr
    assert "rule training" not in done.stderr and "rule training" not in done.stdout


@pytest.mark.skipif(torch.cuda.is_available(), reason="with a GPU here, auto has it")
@pytest.mark.parametrize(("device", "asked"), [("cuda", 1), ("auto", None), ("cpu", None)])
def test_one_training_job_at_a_time_has_the_gpu_of_this_machine(finished, device, asked):
    """Where training is on a GPU each job asks for one, of which the profile says there is one."""
    told = finished.path("told.smk")
    lines = [
        'asked = workflow.get_rule("training").resources.get("gpu")',
        'print(asked and asked.value, workflow.global_resources["gpu"].value)',
    ]
    told.write_text("\n".join(['include: "Snakefile"', *lines]))
    with edited(finished.path("config.yaml"), "device: auto", f"device: {device}"):
        done = finished.snakemake("-n", "--snakefile", "told.smk")
    told.unlink()
    assert f"\n{asked} 1\n" in done.stdout, done.stderr


def test_a_threshold_outside_its_range_is_named(finished):
    with edited(finished.path("config.yaml"), "grid_cells: 0.8", "grid_cells: 8"):
        done = finished.snakemake("--cores", "1")
    assert done.returncode != 0
    assert "thresholds.grid_cells" in done.stderr.strip().splitlines()[-1]
