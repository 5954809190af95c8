"""A study through Snakemake, and what runs again after a change or a move."""

import importlib
import json
import os
import re
import shutil
from functools import partial

import netCDF4
import numpy as np
import pytest
import xarray as xr
from changes import (
    ASKED,
    LIBRARY,
    NO_CHANGE,
    PARAMETERS,
    attribute,
    cohorts,
    edited,
    move,
    refused,
    told,
    trained,
)
from checkouts import DRAWN, STUDY, Checkout, jobs_of
from nofreelunch.figures.contents import FIGURES
from nofreelunch.files import datasets
from nofreelunch.files.contract import STAGES
from nofreelunch.findings import summary
from nofreelunch.study import sweeps
from nofreelunch.theory.spectra import split_spectra
from test_extending import block

pytestmark = pytest.mark.workflow

AFTER_SUMMARY = {"figures", "claims", "story", "explorer", "report"}
AFTER_SCORES = {"lesions", "summary", *AFTER_SUMMARY}


def test_a_study_runs_from_trajectories_to_its_report(finished):
    pages = ["index.html", "explorer.html", "report.html"]
    for name in ["summary.nc", "units.nc", "summary.csv", "networks.csv", "claims.md", *pages]:
        assert finished.results(name).stat().st_size > 500, name
    for figure in DRAWN:
        for suffix in ("pdf", "png", "svg"):
            assert finished.results(f"figures/{figure}.{suffix}").stat().st_size > 5000, figure
    assert finished.planned() == {}
    assert "3 and 2 settings of targets" in finished.results("claims.md").read_text()


def test_the_story_has_the_figures_that_were_drawn_and_is_offline(finished):
    text = finished.results("index.html").read_text()
    assert text.count("data:image/svg+xml;base64,") + text.count("data:image/png;base64,") == 2
    assert not re.search(r'(src|href)="(https?:)?//', text)
    assert 'href="report.html"' in text
    assert 'href="index.html"' in finished.results("report.html").read_text().replace("\\", "")


def test_the_report_is_one_offline_file_with_figures_and_claims(finished):
    text = finished.results("report.html").read_text()
    for figure in DRAWN:
        assert f"{figure}.png" in text
    assert "Overview. The targets, the best unit that each gave" in text
    assert "max-height: calc(100vh" in text.split("</head>")[0]
    assert "claims" in text
    assert not re.search(r'<(script|link|img)[^>]+(src|href)="https?://', text)


@pytest.mark.parametrize("name", [name for name in FIGURES if name not in DRAWN])
def test_the_other_figures_can_be_drawn_from_the_files_of_a_study(finished, name):
    def opened(cohort):
        file = STAGES[FIGURES[name]].files.format(cohort=cohort)
        return datasets.load(finished.results(file), FIGURES[name])

    networks, units = (
        datasets.load(finished.results(f"{stage}.nc"), stage) for stage in ("summary", "units")
    )
    files = [datasets.load(path, "theory") for path in finished.results("theory").glob("*.nc")]
    theory = [one for file in files for one in split_spectra(file)]
    figure = importlib.import_module(f"nofreelunch.figures.{name}")
    assert figure.draw(summary.join_units(networks, units), theory, opened).axes


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
    planned = sweeps.load_study(finished.path(STUDY))
    with xr.open_dataset(finished.results("trajectories/training_20.nc")) as pool:
        assert pool.attrs["seed"] == planned.trajectories["training"]["seed"]


def test_all_files_of_a_stage_open_as_one(finished):
    networks = sweeps.load_study(finished.path(STUDY)).networks
    one = {"combine": "nested", "concat_dim": "network", "join": "outer"}
    one |= {"data_vars": "minimal", "coords": "minimal", "compat": "override"}
    for stage in ("networks", "rate_maps", "scores"):
        with xr.open_mfdataset(str(finished.results(f"{stage}/*.nc")), **one) as everything:
            assert everything.sizes["network"] == len(networks) == 5


def test_the_summary_holds_every_network_of_the_study(finished):
    planned = sweeps.load_study(finished.path(STUDY))
    with xr.open_dataset(finished.results("summary.nc")) as table:
        assert set(table["network"].values) == {network.id for network in planned.networks}
        assert json.loads(table.attrs["defaults"]) == planned.defaults
        for sweep, members in planned.sweeps.items():
            listed = table["in_sweep"].sel(sweep=sweep).values.astype(bool)
            assert set(table["network"].values[listed]) == set(members)
        diverged = table["diverged"].values.astype(bool)
        assert [json.loads(s)["learning_rate"] for s in table["spec"].values[diverged]] == [1e6]
        assert np.isfinite(table["position_error"][~diverged]).all()


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


def test_every_product_is_asked_for(finished):
    """A file that is deleted is made anew, also one that others are made from."""
    said = told(finished, ASKED)
    asked = {*re.findall(r"^ASKED (\S+)$", said, re.M)}
    folder = finished.results("")
    made = {f"results/whole/{p.relative_to(folder)}" for p in folder.rglob("*") if p.is_file()}
    others = r"results/whole/(logs|trajectories)/.*"
    assert {name for name in made if not re.fullmatch(others, name)} == asked


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("figures/overview.pdf", {"figures", "story", "report"}),
        ("claims.md", {"claims", "report"}),
        ("explorer.html", {"explorer"}),
        ("scores/*.nc", {"scores", "summary", *AFTER_SUMMARY}),  # of no reference network
        ("lesions.nc", AFTER_SCORES),
        ("patterns.nc", {"patterns", "figures", "claims", "story", "report"}),
    ],
)
def test_a_product_that_was_deleted_is_made_anew(finished, name, rules, tmp_path):
    path = sorted(finished.results("").glob(name))[0]
    shutil.move(path, tmp_path / "kept")
    try:
        planned = finished.planned()
    finally:
        shutil.move(tmp_path / "kept", path)
    assert {*planned} == rules and max(planned.values()) <= len(DRAWN)


@pytest.fixture
def moved(finished, tmp_path):
    """A function that makes a checkout elsewhere with the finished study's results."""
    return partial(move, finished, tmp_path / "checkout")


def test_a_figure_has_the_same_bytes_whatever_the_users_environment_says(moved):
    """It was drawn under the settings of a notebook, of a cluster and of a hostile matplotlibrc."""
    plain = Checkout(moved().folder, settings={})
    png = plain.results("figures/chance.png")
    before, when = png.read_bytes(), png.stat().st_mtime_ns
    done = plain.snakemake("--cores", "1", "--force", "results/whole/figures/chance.png")
    assert done.returncode == 0, done.stderr[-3000:]
    assert png.stat().st_mtime_ns > when and png.read_bytes() == before


NO_RECORD = "there is no record in .snakemake of 12 files"


def test_moved_results_without_records_are_finished_there_too(moved):
    said = moved(records=False).dry_run()
    assert jobs_of(said) == {} and NO_RECORD in said


def test_moved_results_with_records_are_finished_there_too_and_follow_changes(moved):
    there = moved(times=False)
    said = there.dry_run()
    assert jobs_of(said) == {} and NO_RECORD not in said
    with edited(there, (STUDY, "0.12, 0.20]", "0.12, 0.25]")):
        assert there.planned()["training"] == 1


def test_moved_results_without_times_and_records_are_taken_as_they_are_on_request(moved):
    there = moved(times=False, records=False)
    assert there.planned()["training"] == 4
    assert there.snakemake("--cores", "1", "--touch").returncode == 0
    assert there.planned() == {}


def test_what_only_prints_or_is_not_used_runs_nothing_again(finished):
    """Comments, docstrings, messages, estimates, and what the study does not use; all at once."""
    with edited(finished, *NO_CHANGE, ("Snakefile", "\nmin_version", "\n# a comment\nmin_version")):
        assert finished.planned() == {}


def test_each_rule_has_its_code_and_settings_among_its_parameters(finished):
    """What is not there makes nothing run again."""

    def parameters():
        said = told(finished, PARAMETERS)
        found = re.findall(r"^PARAMETERS (\w+) (.*)$", said, re.M)
        return {rule: json.loads(given) for rule, given in found}

    stages = "trajectories training rate_maps scores theory lesions summary claims figures".split()
    stages += ["patterns", "corrections", "story", "explorer", "report"]
    scripts = [f"workflow/scripts/{stage}.py" for stage in stages]
    settings = {"precision": "bfloat16", "bin_size": 0.2, "surrogates": 300, "grid_cells": 0.7}
    before = parameters()
    with edited(
        finished,
        *((script, "if __name__", "ADDED = 1\nif __name__") for script in scripts),
        *(("config.yaml", f"  {key}:", f"  {key}: {value} #") for key, value in settings.items()),
        (f"{LIBRARY}/task/place_cells.py", 'colour = "#E69F00"', 'colour = "#E69F01"'),
        ("workflow/report/claims.rst", "**Claims.**", "**All claims.**"),
        ("workflow/report/corrections.json", "The talks take", "Both talks take"),
    ):
        after = parameters()
    changed = {
        rule: {key for key, value in after[rule].items() if value != given[key]}
        for rule, given in before.items()
    }
    assert changed == {
        "training_trajectories": {"code"},
        "evaluation_trajectories": {"code"},
        "training": {"code", "precision"},
        "rate_maps": {"code", "trained_by", "bin_size"},
        "scores": {"code", "mapped_by", "surrogates"},
        "theory": {"code"},
        "patterns": {"code"},
        "lesions": {"code", "trained_by", "scored_by"},
        "summary": {"code", "thresholds"},
        "claims": {"code", "targets"},
        "figures": {"code", "targets"},
        "corrections": {"code", "sheet"},
        "story": {"code", "targets", "captions", "sheet"},
        "explorer": {"code", "targets"},
        "report": {"code", "captions"},
    }


def test_a_changed_score_runs_again_without_training_or_mapping(finished):
    added = "import numpy as np\n\nADDED = 1\n"
    with edited(finished, (f"{LIBRARY}/scoring/grid_scores.py", "import numpy as np\n", added)):
        assert set(finished.planned()) == {"scores", "patterns", *AFTER_SCORES}


def test_a_threshold_runs_again_what_follows_the_scores(finished):
    with edited(finished, ("config.yaml", "  grid_cells:", "  grid_cells: 0.7 #")):
        assert set(finished.planned()) == {"summary", *AFTER_SUMMARY}


def test_an_edited_figure_redraws_that_figure_only(finished):
    with edited(finished, (f"{LIBRARY}/figures/result_3.py", "SPREAD = 0.003", "SPREAD = 0.004")):
        assert finished.planned() == {"figures": 1, "story": 1, "report": 1}


def test_the_look_of_the_story_writes_the_story_only(finished):
    with edited(finished, (f"{LIBRARY}/story/story_page.css", "--ink: #222", "--ink: #333")):
        assert finished.planned() == {"story": 1}


def test_an_edited_target_or_cell_trains_its_own_cohorts_only(finished):
    lstm = "    return torch.sigmoid(exit_)", "    return +torch.sigmoid(exit_)"
    with edited(
        finished,
        (f"{LIBRARY}/task/place_cells.py", "kernel = 0\n", "kernel = 0\n    added = 1\n"),
        (f"{LIBRARY}/networks/cells.py", *lstm),
    ):
        said = finished.dry_run()
    own = [name for name in cohorts(finished) if {"gaussian", "lstm"} & {*name.split("-")}]
    assert trained(said) == sorted(own) and len(own) == 2


def test_a_target_a_cell_and_an_optimizer_of_ones_own_train_nothing_there_is_again(finished):
    names = "task/place_cells.py", "networks/cells.py", "training/optimizers.py"
    texts = {name: finished.path(f"{LIBRARY}/{name}").read_text() for name in names}
    edits = [(f"{LIBRARY}/{n}", text, f"{text}\n\n{block(n)}") for n, text in texts.items()]
    with edited(finished, *edits):
        assert not {"training", "rate_maps", "scores", "theory"} & set(finished.planned())


def test_a_removed_sweep_trains_nothing(finished):
    removed = "  diverging:\n    target: gaussian\n    optimizer: sgd\n    learning_rate: 1.0e+6\n"
    with edited(finished, (STUDY, removed, "")):  # the only one of its target
        assert set(finished.planned()) == {"patterns", "summary", *AFTER_SUMMARY}


def test_a_changed_value_a_seed_and_a_sweep_train_the_new_networks_only(finished):
    before = set(cohorts(finished))
    with edited(
        finished,
        (STUDY, "0.12, 0.20]", "0.12, 0.25]"),
        (STUDY, "target: cartesian\n", "target: cartesian\n    seed: [0, 1]\n"),
        (STUDY, "\ntrajectories:", "\n  added:\n    activation: tanh\ntrajectories:"),
    ):
        new = set(cohorts(finished)) - before
        said = finished.dry_run()
    assert trained(said) == sorted(new) and len(new) == 3
    assert "theory" in jobs_of(said)  # the changed width is one of a target


def test_file_times_run_nothing_again(moved):
    there = moved()
    for part in ("Snakefile", "config.yaml", "workflow"):
        path = there.path(part)
        for file in [path, *path.rglob("*")]:
            os.utime(file)
    os.utime(there.results("trajectories/training_20.nc"))
    assert there.planned() == {}


def test_a_cohort_is_trained_to_the_same_bits_again(moved):
    there = moved()
    (path,) = there.results("networks").glob("*lstm*.nc")
    with xr.open_dataset(path) as first:
        first.load()
    path.unlink()
    assert there.snakemake("--cores", "1", f"results/whole/networks/{path.name}").returncode == 0
    with xr.open_dataset(path) as second:
        xr.testing.assert_identical(first, second.load())
    assert set(there.planned()) <= {"rate_maps"}


def test_what_is_damaged_or_edited_by_hand_is_named_and_finished_results_stay(moved):
    there = moved()
    damaged, other, *_ = sorted(there.results("rate_maps").glob("*.nc"))
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])
    with netCDF4.Dataset(there.results("networks") / other.name, "a") as file:
        file["weight_decoder"][0, 0, 0] += 1
    finished_before = there.results("summary.nc").read_bytes()
    wanted = f"results/whole/scores/{damaged.name}", f"results/whole/rate_maps/{other.name}"
    done = there.snakemake("--cores", "1", "--force", *wanted)
    assert done.returncode != 0
    assert f"results/whole/rate_maps/{damaged.name}: not a readable netCDF file" in done.stderr
    assert f"{other.name}: found other values than were written, was it edited?" in done.stderr
    assert not there.path(wanted[0]).exists() and not other.exists()
    assert there.results("summary.nc").read_bytes() == finished_before


def test_newer_libraries_are_named_and_run_nothing(finished):
    first = finished.results("networks") / f"{cohorts(finished)[0]}.nc"
    with attribute(first, "versions", json.dumps({"torch": "0.4.1"})):
        said = finished.dry_run()
    assert "results/whole was made with torch 0.4.1 (now " in said
    assert jobs_of(said) == {}


def test_results_of_an_older_layout_stop_the_study_before_its_first_job(finished):
    first = sorted(finished.results("networks").glob("*.nc"))[0]
    with attribute(first, "layout", np.int64(1)):
        said = refused(finished)
    assert "results/whole/networks: found files of layout 1; allowed: " in said
