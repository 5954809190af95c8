"""Rate maps of a network as an NWB file, by pynwb; one file per network."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from nofreelunch import __version__
from nofreelunch.exports.tables import meaning
from nofreelunch.files.extras import from_extra

MODULE = "behavior"  # the name that NWB gives to what is measured along with behaviour
MAPS, SCORES = "rate_maps", "unit_scores"
ARBITRARY = (
    "Mean activity in each bin, in the network's own unit, which is no rate in Hz. NaN where the "
    "bin was not visited."
)


def check_installed(extension: bool) -> None:
    """Raise MissingLibrary without what `write_nwb` needs."""
    with from_extra("--to nwb"):
        import pynwb  # noqa: F401
    if extension:
        with from_extra("--to ndx", "ndx"):
            import ndx_rate_maps  # noqa: F401


def write_nwb(
    path: Path, maps: xr.Dataset, scores: pd.DataFrame, trained: float, extension: bool = False
) -> None:
    """Write the rate maps and scores of one network to `path`, whole or not at all.

    The file has two tables of the processing module `behavior`, with one row per unit: `rate_maps`
    with the column `rate_map`, and `unit_scores`.

    Args:
        path: a .nwb file; one that is there is replaced.
        maps: `rate_map` (unit, y, x), coordinates `network` and `spec`, attribute `bin_size` (m).
        scores: its rows of the table of units.
        trained: when the network was trained, in seconds since 1970.
        extension: whether `rate_maps` is a RateMapTable of ndx-rate-maps, (unit, x, y), instead of
            a plain table, (unit, y, x).

    Raises:
        OSError: if the disk refuses the file.
    """
    import pynwb

    file = _described(maps, trained)
    module = file.create_processing_module(MODULE, "Rate maps of the units of a trained network")
    table = _scores(scores)
    module.add(table)
    module.add((_extension_table if extension else _plain_table)(maps, table))
    part = path.with_name(f".{path.stem}.{os.getpid()}.part.nwb")
    try:
        with pynwb.NWBHDF5IO(str(part), "w") as io:
            io.write(file)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _described(maps: xr.Dataset, trained: float) -> Any:
    """An NWB file without data that says which network it is."""
    import pynwb

    network, text = str(maps["network"].item()), str(maps["spec"].item())
    spec = json.loads(text)
    what = f"{spec['target']} targets, {spec['cell']} cell, seed {spec['seed']}"
    return pynwb.NWBFile(
        session_description=f"Network {network}, trained to path-integrate: {what}",
        identifier=network,
        session_id=network,
        session_start_time=datetime.fromtimestamp(trained, UTC),
        experiment_description="Simulated networks are trained to report their position. No animal "
        "was recorded. The session starts when the network was trained.",
        keywords=["simulation", "path integration", "grid cells", "rate maps"],
        notes=f"Specification of the network: {text}",
        data_collection=f"nofreelunch {__version__}",
        subject=_subject(network),
    )


def _subject(network: str) -> Any:
    """The network as the subject that archives ask for; it says that there is no animal."""
    import pynwb

    return pynwb.file.Subject(
        subject_id=network,
        description="A simulated network, not an animal; age counts from its training",
        species="Simulated network",
        sex="U",
        age="P0D",
    )


def _scores(scores: pd.DataFrame) -> Any:
    """The scores as a table with a description of each column."""
    from hdmf import common

    columns = []
    for name in scores.columns.drop(["network", "unit"]):
        text, units, missing = meaning(name)
        unit = f" (in {units})" if units not in ("", "1") else ""
        said = f"{text}{unit}" + f"; NaN where {missing}" * bool(missing)
        columns.append(common.VectorData(name=name, description=said, data=_list(scores[name])))
    rows = common.ElementIdentifiers(name="id", data=scores["unit"].tolist())
    return common.DynamicTable(
        name=SCORES, description="Scores of the units of a network", columns=columns, id=rows
    )


def _list(column: pd.Series) -> np.ndarray | list:
    return column.tolist() if column.dtype.kind not in "fiub" else column.to_numpy()


def _plain_table(maps: xr.Dataset, scores: Any) -> Any:
    """The maps (unit, y, x) as a plain table."""
    from hdmf import common

    rates = maps["rate_map"].transpose("unit", "y", "x").values
    sizes = np.full(len(rates), float(maps.attrs["bin_size"]))
    columns = [
        common.VectorData(
            name="rate_map", description=f"{ARBITRARY} (unit, y, x)", data=_packed(rates)
        ),
        common.VectorData(name="bin_size", description="side of a bin, in m", data=sizes),
        _region(scores),
    ]
    return common.DynamicTable(name=MAPS, description=ARBITRARY, columns=columns, id=scores.id)


def _extension_table(maps: xr.Dataset, scores: Any) -> Any:
    """The maps (unit, x, y) as a table of ndx-rate-maps, whose own unit is always called Hz."""
    import ndx_rate_maps
    from hdmf import common

    rates = maps["rate_map"].transpose("unit", "x", "y").values.astype(float)
    edges = np.arange(rates.shape[1] + 1) - rates.shape[1] / 2  # the middle of the arena is 0
    edges *= float(maps.attrs["bin_size"])
    return ndx_rate_maps.RateMapTable(
        name=MAPS,
        description=f"{ARBITRARY} The table's unit of measurement is fixed by its type.",
        bin_edges_dim0=edges,
        dim0_label="x_position",
        dim0_unit="m",
        bin_edges_dim1=edges,
        dim1_label="y_position",
        dim1_unit="m",
        units=_region(scores),
        rate_map=common.VectorData(
            name="rate_map", description=f"{ARBITRARY} (unit, x, y)", data=_packed(rates)
        ),
    )


def _region(scores: Any) -> Any:
    """References to the rows of the scores."""
    from hdmf import common

    rows = list(range(len(scores)))
    return common.DynamicTableRegion(
        name="units", data=rows, description="scores of the unit", table=scores
    )


def _packed(values: np.ndarray) -> Any:
    from hdmf.backends.hdf5 import H5DataIO

    return H5DataIO(values, compression="gzip")
