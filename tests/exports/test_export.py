"""`nofreelunch export`: tables and rate maps that other programs read, of any study."""

import json
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
import small_study
import xarray as xr
from nofreelunch import __main__
from nofreelunch.errors import MissingLibrary
from nofreelunch.exports import tables
from nofreelunch.exports.export import FORMATS, export
from nofreelunch.files.meanings import MEANINGS
from nofreelunch.findings.network_index import index_table
from nofreelunch.findings.summary import network_table, open_summary
from nofreelunch.scoring.map_files import read_maps

SIZE = small_study.BOX / small_study.BINS


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A study in a folder whose name has a space and an accent. One network diverged."""
    return small_study.make(tmp_path_factory.mktemp("une étude"), surrogates=30)


@pytest.fixture(scope="module")
def summary(results):
    return open_summary(results / "summary.nc", results / "units.nc").load()


def refusal(*arguments):
    with pytest.raises(ValueError) as error:
        export(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("to", ["csv", "parquet"])
def test_tables(results, summary, tmp_path, to):
    """One row per network and one per unit, with the numbers of the summary."""
    if to == "parquet":
        pytest.importorskip("pyarrow", reason="needs the extra exchange")
    read = {"csv": pd.read_csv, "parquet": pd.read_parquet}[to]
    networks, units, columns = export(results, to, tmp_path / "un dossier")
    table = read(networks).set_index("network")
    assert list(table.index) == list(summary["network"].values)
    diverged = table["diverged"]
    assert list(diverged) == list(summary["diverged"].values) and diverged.sum() == 1
    error = summary["position_error"].sel(horizon=20).values
    np.testing.assert_allclose(table["position_error_20"], error)
    share = summary["fraction_above"].sel(threshold=0.3).values
    np.testing.assert_allclose(table["fraction_above_0.3"], share)
    assert set(table["cell"]) == {"rnn", "gru"} and table["surround.width_ratio"].max() == 2
    assert "wide" in table["sweeps"][diverged].iloc[0].split()

    table = read(units)
    assert len(table) == summary.sizes["network"] * small_study.UNITS
    assert list(table["network"]) == sorted(table["network"])
    scores = summary["score_60"].sel(definition="min_max").values.ravel()
    np.testing.assert_allclose(table["score_60_min_max"], scores, rtol=1e-6)
    period = table["period"].isna()
    assert set(table["lattice_reason"][~period]) == {"lattice"}
    assert "lattice" not in set(table["lattice_reason"][period])
    assert set(table["lattice_class"]) <= {"other", "hexagonal", "square", "stripe"}

    about = pd.read_csv(columns).set_index("column")
    assert {*about.index} == {*read(networks), *table}
    assert about["units"]["period"] == "m" and about["missing where"]["period"]
    assert about["meaning"].str.len().min() > 5


def test_units_and_meanings_are_in_a_parquet(results, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra exchange")
    _, units, _ = export(results, "parquet", tmp_path)
    about = parquet.read_schema(units).field("period").metadata
    assert about[b"units"] == b"m" and about[b"meaning"] == MEANINGS["period"].text.encode()


@pytest.mark.parametrize("to", ["nwb", "ndx"])
def test_nwb(results, summary, tmp_path, to):
    """The maps that `score` reads from a file are those of the network, and so is the bin size."""
    pynwb = pytest.importorskip("pynwb", reason="needs the extra exchange")
    if to == "ndx":
        pytest.importorskip("ndx_rate_maps", reason="needs the extra ndx")
    paths = export(results, to, tmp_path)
    assert [path.stem for path in paths] != [] and len(paths) == summary.sizes["network"]
    cohorts = dict(zip(summary["network"].values, summary["cohort"].values, strict=True))
    for path in paths:
        found, size = read_maps(path)
        with xr.open_dataset(results / "rate_maps" / f"{cohorts[path.stem]}.nc") as maps:
            expected = maps["rate_map"].sel(network=path.stem).values
        np.testing.assert_array_equal(found.values, expected)
        assert size == pytest.approx(SIZE)
    with pynwb.NWBHDF5IO(str(paths[0]), "r") as io:
        file = io.read()
        assert file.identifier == paths[0].stem
        spec = json.loads(file.notes.partition(": ")[2])
        assert spec["target"] == summary["target"].sel(network=paths[0].stem).item()
        scores = file.processing["behavior"]["unit_scores"].to_dataframe()
        periods = summary["period"].sel(network=paths[0].stem)
        np.testing.assert_allclose(scores["period"], periods, rtol=1e-6)
        assert "(in m)" in file.processing["behavior"]["unit_scores"]["period"].description


@pytest.mark.parametrize("to", ["nwb", "ndx"])
def test_the_inspector_of_nwb_finds_nothing_of_weight(results, tmp_path, to):
    inspector = pytest.importorskip("nwbinspector", reason="needs nwbinspector")
    if to == "ndx":
        pytest.importorskip("ndx_rate_maps", reason="needs the extra ndx")
    for path in export(results, to, tmp_path):
        found = list(inspector.inspect_nwbfile(nwbfile_path=str(path)))
        heavy = [m for m in found if m.importance.name != "BEST_PRACTICE_SUGGESTION"]
        assert heavy == []


def test_no_part_of_a_file_is_left(results, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(OSError, match="No space left"):
        export(results, "csv", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_earlier_files_stay_unless_they_may_be_replaced(results, tmp_path):
    export(results, "csv", tmp_path)
    path = tmp_path / "per_unit.csv"
    path.write_text("mine")
    (tmp_path / "per_network.csv").unlink()
    assert f"{path}: found an earlier file; allowed: another folder" in refusal(
        results, "csv", tmp_path
    )
    assert path.read_text() == "mine" and not (tmp_path / "per_network.csv").exists()
    export(results, "csv", tmp_path, True)
    assert len(pd.read_csv(path)) > 1
    assert f"{path}: found a file; allowed: a folder" in refusal(results, "csv", path)


@pytest.mark.parametrize("kind", ["no surrogates", "one network", "all diverged"])
def test_unusual_studies(tmp_path, kind):
    """Each has its tables, with nothing where nothing is known."""
    options = {
        "no surrogates": {"surrogates": 0},
        "one network": {"alone": {"seed": [10]}},
        "all diverged": {"diverged": "all"},
    }[kind]
    results = small_study.make(tmp_path, **{"surrogates": 10} | options)
    networks, units, _ = export(results, "csv")
    networks, units = pd.read_csv(networks), pd.read_csv(units)
    assert len(units) == len(networks) * small_study.UNITS
    if kind == "no surrogates":
        assert networks["grid_fraction"].isna().all() and "p_value" not in units
    if kind == "one network":
        assert len(networks) == 1 and networks["diverged"].sum() == 0
    if kind == "all diverged":
        assert networks["diverged"].all() and units["score_60_mean"].isna().all()


def test_half_made_results(results, tmp_path):
    half = shutil.copytree(results, tmp_path / "half")
    lost = sorted((half / "scores").iterdir())[-1]
    lost.unlink()
    assert refusal(half, "csv") == f"{lost}: no such file; `snakemake` makes it"
    assert not (half / "export").exists()
    (half / "summary.nc").unlink()
    assert refusal(half, "csv").startswith(f"{half}/summary.nc: no such file")
    assert "found no such folder" in refusal(tmp_path / "none", "csv")
    pytest.importorskip("pynwb", reason="needs the extra exchange")
    whole = shutil.copytree(results, tmp_path / "no maps")
    shutil.rmtree(whole / "rate_maps")
    assert "no such file; `snakemake` makes it" in refusal(whole, "nwb")
    assert not (whole / "export").exists()


def test_an_unknown_kind(results):
    assert refusal(results, "xlsx") == "to: found 'xlsx'; allowed: csv, parquet, nwb, ndx"


@pytest.mark.parametrize(
    ("to", "extra"), [("parquet", "exchange"), ("nwb", "exchange"), ("ndx", "ndx")]
)
def test_a_library_that_is_not_installed(results, tmp_path, monkeypatch, to, extra):
    library = {"parquet": "pyarrow", "nwb": "pynwb", "ndx": "ndx_rate_maps"}[to]
    if to == "ndx":
        pytest.importorskip("pynwb", reason="needs the extra exchange")
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingLibrary, match=f"the extra {extra}") as error:
        export(results, to, tmp_path / "new")
    assert str(error.value).startswith(f"--to {to}: found no library {library};")
    assert not (tmp_path / "new").exists()


def test_the_command(results, tmp_path, capsys):
    assert __main__.main(["export", str(results), "--to", "csv", "-o", str(tmp_path / "a")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'a'}: 3 files\n"
    for arguments in (["--to", "xlsx"], ["--to", "csv", "-o", str(tmp_path / "a")], []):
        with pytest.raises(SystemExit) as ending:
            __main__.main(["export", str(results), *arguments])
        said = capsys.readouterr()
        assert ending.value.code == 2 and said.err.count("\n") == 1 and said.out == ""


def test_the_kinds_of_the_command_are_those_of_the_library():
    assert __main__.EXPORTS == FORMATS


def test_meanings_of_columns():
    assert tables.meaning("chance_fraction_above_phase_0.3") == MEANINGS["chance_fraction_above"]
    assert tables.meaning("loss_steps").text.startswith("Time steps of a trajectory")
    for key in ("periodic", "place_cell_centres"):
        assert tables.meaning(key).missing == "it is that of the study's other networks"
    with pytest.raises(KeyError):
        tables.meaning("score_of_nobody")


def test_every_column_of_the_summary_and_the_index_is_described(summary):
    for table in (network_table(summary), index_table(summary)):
        assert all(tables.meaning(name).text for name in table)
