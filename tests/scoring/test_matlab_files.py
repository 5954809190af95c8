"""Rate maps in files of MATLAB, of both kinds: they come back alike, or one line says why not."""

from functools import partial

import numpy as np
import pytest
import scipy.io
from map_file_examples import BINS, COUNT, MAPS, SIZE, check, of_cells, refusal
from nofreelunch.scoring.map_files import read_maps


@pytest.fixture
def maps():
    return MAPS.copy()


def save_modern(path, values, header=512, extra=None):
    """A MATLAB 7.3 file of arrays, which are written with their axes reversed."""
    h5py = pytest.importorskip("h5py", reason="needs the extra exchange")
    with h5py.File(path, "w", userblock_size=header) as file:
        for name, array in values.items():
            file[name] = np.asarray(array).T
        if extra:
            extra(file, h5py)


@pytest.mark.parametrize("header", [0, 512])
def test_matlab_73(header, maps, tmp_path):
    """Maps of MATLAB are stacked along its last axis."""
    path = tmp_path / "maps.mat"
    save_modern(path, {"rates": np.moveaxis(maps, 0, -1), "bin_size": [[SIZE]]}, header)
    found, size = read_maps(path)
    check(found, maps)
    assert size == pytest.approx(SIZE)


def add_cells(file, h5py, name, items):
    """A cell array of arrays, or of structs that are given as dictionaries; lists are cells."""
    refs = file.require_group("#refs#")
    cells = file.create_dataset(name, (len(items), 1), h5py.ref_dtype)
    for k, item in enumerate(items):
        own = f"{name}{k}".replace("/", "")
        if isinstance(item, list):
            add_cells(file, h5py, f"#refs#/{own}", item)
        elif isinstance(item, dict):
            for key, values in item.items():
                refs[f"{own}/{key}"] = values.T
        else:
            refs[own] = item.T
        cells[k, 0] = refs[own].ref


def test_cells_structs_and_text_of_matlab_73(maps, tmp_path):
    path = tmp_path / "maps.mat"

    def extra(file, h5py):
        add_cells(file, h5py, "s/rate_maps", list(maps))
        unit = file.create_dataset("bin_size_units", data=np.array([[ord(c)] for c in "cm"]))
        unit.attrs["MATLAB_class"] = np.bytes_("char")

    save_modern(path, {"bin_size": [[100 * SIZE]], "other": maps[0]}, extra=extra)
    found, size = read_maps(path)
    check(found, maps)
    assert size == pytest.approx(SIZE)


@pytest.mark.parametrize("compressed", [False, True])
def test_matlab_5(compressed, maps, tmp_path):
    path = tmp_path / "cartes de l'été.mat"
    content = {"rates": np.moveaxis(maps, 0, -1), "bin_size": 100 * SIZE, "bin_size_units": "cm"}
    scipy.io.savemat(path, content, do_compression=compressed)
    found, size = read_maps(path)
    check(found, maps)
    assert size == pytest.approx(SIZE)


def test_cells_and_structs_of_matlab_5(maps, tmp_path):
    path = tmp_path / "maps.mat"
    uneven = np.array([maps[0], maps[0, :4]], object)
    scipy.io.savemat(
        path, {"session": {"rate_maps": of_cells(*maps), "uneven": uneven}, "y": maps[0]}
    )
    check(read_maps(path)[0], maps)
    check(read_maps(path, "rate_maps")[0], maps)
    assert "session.uneven: found objects, or cells of unlike sizes; allo" in refusal(
        path, "uneven"
    )


def test_structs_in_cells_of_cells_of_matlab_5(maps, tmp_path):
    """Sessions of tetrodes of cells; another square array beside them is not taken for the maps."""
    path = tmp_path / "maps.mat"
    tetrodes = of_cells(*(of_cells({"map": one, "name": "c"}) for one in maps))
    scipy.io.savemat(path, {"rm": tetrodes, "coverage": maps[0]})
    check(read_maps(path, "rm.map")[0], maps)
    assert "found rm.map, coverage" in refusal(path)
    mixed = of_cells(maps[0], {"map": maps[1]})
    scipy.io.savemat(path, {"rate_maps": mixed, "coverage": maps[0]})
    assert "rate_maps: found objects, or cells of unlike sizes" in refusal(path)


@pytest.mark.parametrize("nested", [False, True])
def test_structs_in_cells_of_matlab_73(nested, maps, tmp_path):
    structs = [{"map": one} for one in maps]
    items = [[struct] for struct in structs] if nested else structs
    path = tmp_path / "maps.mat"
    extra = partial(add_cells, name="rm", items=items)
    save_modern(path, {"coverage": maps[0]}, extra=extra)
    check(read_maps(path, "rm.map")[0], maps)
    assert "found coverage, rm.map" in refusal(path)
    extra = partial(add_cells, name="rate_maps", items=[maps[0], structs[1]])
    save_modern(path, {"coverage": maps[0]}, extra=extra)
    assert "rate_maps: found objects, or cells of unlike sizes" in refusal(path)


def test_one_map_of_matlab_and_maps_first(maps, tmp_path):
    path = tmp_path / "maps.mat"
    scipy.io.savemat(path, {"rates": maps[0]})
    check(read_maps(path)[0], maps[0])
    scipy.io.savemat(path, {"rates": maps})  # as Python stacks them; 3 x 20 x 20 is clear
    check(read_maps(path)[0], maps)


def test_several_arrays_of_matlab_are_named(maps, tmp_path):
    path = tmp_path / "maps.mat"
    scipy.io.savemat(path, {"before": maps[0], "after": 2 * maps[0]})
    assert "found before, after; allowed: one array of square maps" in refusal(path)
    check(read_maps(path, "after")[0], 2 * maps[0])


def test_a_damaged_matlab_file(tmp_path):
    path = tmp_path / "maps.mat"
    for content in (b"", b"maps", b"MATLAB 5.0 MAT-file" + bytes(200)):
        path.write_bytes(content)
        assert "not a readable mat file" in refusal(path)


def test_struct_arrays_and_cells_in_rows_and_columns(maps, tmp_path):
    path = tmp_path / "maps.mat"
    cells = np.array([(one, k) for k, one in enumerate(maps)], [("map", object), ("id", object)])
    scipy.io.savemat(path, {"cells": cells, "names": of_cells("a", "b")})
    check(read_maps(path, "map")[0], maps)
    table = of_cells(*maps, *maps).reshape(2, COUNT)
    scipy.io.savemat(path, {"rate_maps": table})
    assert read_maps(path)[0].shape == (2 * COUNT, BINS, BINS)
