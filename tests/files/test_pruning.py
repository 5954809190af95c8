"""Pruning: weights go, everything else and the file times stay."""

import numpy as np
import pytest
import xarray as xr
from nofreelunch.__main__ import main
from nofreelunch.evaluation import rate_maps
from nofreelunch.files import datasets, pruning


@pytest.fixture
def results(tmp_path):
    """A study's folder with two trained and mapped cohorts, the second one of the reference."""
    weights = {
        "weight_recurrent": (("network", "a", "b"), np.random.default_rng(0).random((1, 50, 50)))
    }
    for cohort in ("one", "reference"):
        name = {"network": [cohort]}
        for stage, values in (("training", weights), ("rate_maps", {})):
            found = {key: ("network", [0.0]) for key in datasets.STAGES[stage].variables}
            path = tmp_path / datasets.STAGES[stage].files.format(cohort=cohort)
            datasets.save(xr.Dataset(found | values, name), path, stage, "code")
    found = {key: ("network", [0.0]) for key in datasets.STAGES["lesions"].variables}
    silenced = xr.Dataset(found, {"network": ["reference"]})
    datasets.save(silenced, tmp_path / "lesions.nc", "lesions", "code")
    return tmp_path


def test_weights_go_and_all_else_stays(results):
    path = results / "networks" / "one.nc"
    with datasets.load(path, "training") as opened:
        before = opened.load()
    when = path.stat().st_mtime_ns
    freed = pruning.prune(results)
    assert freed > 5000 and path.stat().st_mtime_ns == when
    with datasets.load(path, "training") as after:
        assert datasets.verify(after).attrs.pop("content") != before.attrs.pop("content")
        xr.testing.assert_identical(after.load(), before.drop_vars("weight_recurrent"))
    assert pruning.prune(results) == 0  # there is nothing more to drop
    with datasets.load(results / "networks" / "reference.nc", "training") as kept:
        assert "weight_recurrent" in kept


def test_the_command_says_what_it_freed_or_why_not(results, capsys):
    assert main(["prune", str(results)]) == 0
    assert capsys.readouterr().out == f"{results}: 0.0 MB freed\n"
    with pytest.raises(SystemExit) as ended:
        main(["prune", str(results / "absent")])
    assert ended.value.code == 2 and "found no networks/*.nc; allowed" in capsys.readouterr().err


def test_a_study_that_is_not_finished_is_not_pruned(results, tmp_path):
    (results / "rate_maps" / "one.nc").unlink()
    with pytest.raises(datasets.DatasetError, match="one has no rate maps yet"):
        pruning.prune(results)
    with pytest.raises(datasets.DatasetError, match="no networks"):
        pruning.prune(tmp_path / "absent")


def test_a_study_without_lesions_is_not_pruned(results):
    (results / "lesions.nc").unlink()
    with pytest.raises(datasets.DatasetError, match=r"lesions.nc: no such file"):
        pruning.prune(results)


def test_rate_maps_of_pruned_networks_say_what_is_missing():
    spec = '{"target": "cartesian", "cell": "rnn", "units": 4, "seed": 0, "activation": "relu"}'
    pruned = xr.Dataset(coords={"spec": ("network", [spec])}, attrs={"arena": 2.2})
    with pytest.raises(datasets.DatasetError, match="no weights"):
        rate_maps.restore_networks(pruned)


def test_published_models_are_named(tmp_path, capsys):
    (tmp_path / "models").mkdir()
    for command in (["prune"], ["export", "--to", "csv"], ["explore", "-o", "page.html"]):
        with pytest.raises(SystemExit):
            main([*command, str(tmp_path)])
        said = capsys.readouterr().err
        assert f"{tmp_path}: found a study of published models, with files in models; allo" in said
