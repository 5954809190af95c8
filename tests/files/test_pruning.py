"""Pruning: weights go, everything else and the file times stay."""

import numpy as np
import pytest
import xarray as xr
from nofreelunch.__main__ import main
from nofreelunch.evaluation import rate_maps
from nofreelunch.files import datasets, pruning


@pytest.fixture
def results(tmp_path):
    """A study's folder with one trained and mapped cohort."""
    network = {name: ("network", [0.0]) for name in datasets.STAGES["training"].variables}
    weights = {
        "weight_recurrent": (("network", "a", "b"), np.random.default_rng(0).random((1, 50, 50)))
    }
    datasets.save(xr.Dataset(network | weights), tmp_path / "networks/one.nc", "training", "code")
    maps = {name: ("network", [0.0]) for name in datasets.STAGES["rate_maps"].variables}
    datasets.save(xr.Dataset(maps), tmp_path / "rate_maps/one.nc", "rate_maps", "code")
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


def test_rate_maps_of_pruned_networks_say_what_is_missing():
    spec = '{"target": "cartesian", "cell": "rnn", "units": 4, "seed": 0, "activation": "relu"}'
    pruned = xr.Dataset(coords={"spec": ("network", [spec])}, attrs={"arena": 2.2})
    with pytest.raises(datasets.DatasetError, match="no weights"):
        rate_maps.restore_networks(pruned)
