"""Every name in the files has one meaning, which each file states by the CF conventions."""

from pathlib import Path

import columns as docs_columns
import nayebi_examples
import numpy as np
import published_examples
import pytest
import small_study
import xarray as xr
from nofreelunch.evaluation.factorised_maps import factorised_maps
from nofreelunch.evaluation.patterns import measure_patterns
from nofreelunch.evaluation.published import graph_memory
from nofreelunch.files import datasets, meanings
from nofreelunch.files.contract import STAGES
from nofreelunch.findings.published.model_measures import summarise
from nofreelunch.scoring import torus
from nofreelunch.scoring.unit_scores import score_units
from nofreelunch.task import targets
from nofreelunch.task.trajectories import random_walk
from nofreelunch.theory import spectra
from nofreelunch.training.train_published import train_published

ROOT = Path(__file__).parents[2]
UNITS = {"1", "m", "s", "rad", "bit", "Hz", ""}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """One file of each stage: stage -> path."""
    results = small_study.make(tmp_path_factory.mktemp("results"), surrogates=20)
    walks = random_walk(count=4, steps=5, seed=0).assign_attrs(symmetries=1)
    datasets.save(walks, results / "trajectories" / "evaluation.nc", "trajectories", "code")
    found = spectra.spectra([targets.build_target("gaussian", seed=0)])
    datasets.save(found, results / "theory" / "gaussian.nc", "theory", "code")
    grown = measure_patterns(spectra.split_spectra(found), 2, ["relu"])
    datasets.save(grown, results / "patterns.nc", "patterns", "code")
    maps = factorised_maps({"one": published_examples.FACTORS}, 0.1, 0.2)
    about = {"paper": "A paper.", "title": "maps", "budget": "minutes", "deviations": ["None."]}
    scores = score_units(maps, 20)
    table = summarise([maps], [scores], about, 0.8)
    found = torus.tori(maps, scores)
    datasets.save(found, results / "models" / "one" / "torus" / "job.nc", "torus", "code")
    datasets.save(table, results / "models" / "one" / "summary.nc", "published", "code")
    predicted = nayebi_examples.summary(trained={"grid": np.nan})
    datasets.save(predicted, results / "models" / "one" / "predictivity.nc", "predictivity", "code")
    cohort = published_examples.job("graph_memory", {"steps": 1})
    found = graph_memory.measure(train_published(cohort, None, "cpu"), 2)
    datasets.save(found, results / "models" / "one" / "node_maps" / "a.nc", "node_maps", "code")
    paths = {}
    for name, stage in STAGES.items():
        paths[name] = sorted((results / stage.folder.format(model="one")).glob("*.nc"))[0]
    single = ("summary", "units", "patterns", "lesions", "published", "predictivity")
    return paths | {name: results / STAGES[name].files.format(model="one") for name in single}


@pytest.mark.parametrize("stage", STAGES)
def test_a_file_explains_itself(files, stage):
    with xr.open_dataset(files[stage]) as opened:
        assert opened.attrs["Conventions"] == meanings.CONVENTIONS
        assert opened.attrs["title"] == meanings.TITLES[stage]
        for name, variable in opened.variables.items():
            attributes = variable.attrs
            meaning = meanings.MEANINGS[str(name)]
            assert attributes["long_name"] == meaning.text, name
            if "flag_values" in attributes:
                words = attributes["flag_meanings"].split()
                assert len(words) == np.size(attributes["flag_values"]) > 1
                kind = np.int8 if variable.dtype == bool else variable.dtype
                assert np.asarray(attributes["flag_values"]).dtype == kind, name
            elif variable.dtype.kind in "iuf":
                assert attributes["units"] == meaning.units != "", name
            if name in opened.dims:
                assert "_FillValue" not in variable.encoding, name


@pytest.mark.parametrize("stage", STAGES)
def test_the_reason_of_what_is_missing_is_stated(files, stage):
    with xr.open_dataset(files[stage]) as opened:
        for name, variable in opened.variables.items():
            if variable.dtype.kind == "f" and np.isnan(variable.values).any():
                assert variable.attrs["comment"].startswith("missing where "), name


def test_descriptions_change_no_value_and_no_digest(files):
    with xr.open_dataset(files["scores"]) as opened:
        bare = opened.drop_attrs()
        assert datasets.content(meanings.describe(bare, "scores")) == opened.attrs["content"]


def test_a_count_of_flags_is_no_flag():
    counted = xr.Dataset(
        {
            "units_dead": (
                "network",
                [3],
                {"flag_values": np.int8([0, 1]), "flag_meanings": "no yes"},
            )
        }
    )
    attributes = meanings.describe(counted, "summary")["units_dead"].attrs
    assert attributes == {"long_name": "dead units of the network", "units": "1"}


def test_a_name_that_nobody_described_keeps_its_unit():
    added = xr.Dataset({"my_score": ("unit", [1.0], {"units": "Hz"})})
    attributes = meanings.describe(added, "scores")["my_score"].attrs
    assert attributes == {"long_name": "my score", "units": "Hz"}


def test_attributes_of_files_are_described(files):
    written = {"Conventions", "title", "source", "history", "references"}
    for path in files.values():
        with xr.open_dataset(path) as opened:
            assert {*opened.attrs} - written <= {*meanings.ATTRIBUTES}


def test_meanings_are_phrases_with_known_units():
    assert {meaning.units for meaning in meanings.MEANINGS.values()} == UNITS
    sections = docs_columns.SECTIONS.values()
    assert sum(map(len, sections)) == len(meanings.MEANINGS)  # no name twice
    assert {*meanings.TITLES} == {*STAGES}
    for stage in STAGES.values():
        assert {*stage.variables} <= {*meanings.MEANINGS}


def test_the_page_of_columns_is_up_to_date():
    written = (ROOT / "docs" / "columns.md").read_text(encoding="utf-8")
    assert written == docs_columns.page(), "run python docs/build/columns.py docs/columns.md"
