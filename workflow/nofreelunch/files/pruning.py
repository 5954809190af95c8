"""Pruning: removing the weights of trained networks once their rate maps are made."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from tqdm import tqdm

from nofreelunch.errors import DatasetError, refused
from nofreelunch.files import datasets
from nofreelunch.files.contract import STAGES

log = logging.getLogger(__name__)


def prune(results: str | Path, progress: bool = False) -> int:
    """Remove the weights from the networks of a study; learning curves and specs stay.

    File times stay too, so nothing runs again. Rate maps of a pruned cohort can be made again only
    by training it again: delete its file under `networks` first. Cohorts with reference networks
    keep their weights, because other scores make their lesions anew.

    Args:
        results: folder of the study, such as results/laptop.
        progress: whether to draw a progress bar where the output is a terminal.

    Returns:
        Bytes freed.

    Raises:
        DatasetError: where the folder holds no networks or no lesions, or a cohort has no rate maps
            yet.
    """
    files = sorted((Path(results) / STAGES["training"].folder).glob("*.nc"))
    if not files:
        datasets.refuse_published(results)
        raise refused(results, "no networks/*.nc", "a study's results", DatasetError)
    unmapped = [path.stem for path in files if not _maps(path).exists()]
    if unmapped:
        raise DatasetError(
            f"{results}: {unmapped[0]} has no rate maps yet; finish the study before pruning it"
        )
    with datasets.load(Path(results) / STAGES["lesions"].files, "lesions") as lesions:
        reference = set(lesions["network"].values.astype(str))
    files = [path for path in files if reference.isdisjoint(_networks(path))]
    bar = tqdm(files, "pruning", unit="cohort", disable=not progress or None)
    return sum(_prune(path) for path in bar)


def _maps(path: Path) -> Path:
    return path.parents[1] / STAGES["rate_maps"].folder / path.name


def _networks(path: Path) -> list[str]:
    with datasets.load(path, "training") as trained:
        return [str(network) for network in trained["network"].values]


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
