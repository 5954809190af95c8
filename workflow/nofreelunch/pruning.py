"""Drop the weights of trained networks once their rate maps are made."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from nofreelunch import datasets

log = logging.getLogger(__name__)


def prune(results: str | Path) -> int:
    """Remove the weights from all networks of a study; learning curves and specs stay.

    File times stay too, so that nothing runs again. Rate maps of a pruned cohort can only be made
    anew by training it again, for which its file under `networks` must be deleted.

    Args:
        results: folder of the study, such as results/laptop.

    Returns:
        Bytes freed.

    Raises:
        DatasetError: where the folder holds no networks, or a cohort has no rate maps yet.
    """
    files = sorted(Path(results).glob("networks/*.nc"))
    if not files:
        raise datasets.DatasetError(f"{results}: no networks/*.nc here; allowed: a study's results")
    unmapped = [path.stem for path in files if not _maps(path).exists()]
    if unmapped:
        raise datasets.DatasetError(
            f"{results}: {unmapped[0]} has no rate maps yet; finish the study before pruning it"
        )
    return sum(_prune(path) for path in files)


def _maps(path: Path) -> Path:
    return path.parents[1] / "rate_maps" / path.name


def _prune(path: Path) -> int:
    before = path.stat()
    with datasets.load(path, "training") as opened:
        weights = [name for name in opened.data_vars if str(name).startswith("weight_")]
        trained = opened.drop_vars(weights).load()
    if not weights:
        return 0
    datasets.replace(trained, path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return before.st_size - path.stat().st_size
