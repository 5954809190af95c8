"""What a finished study cost for what it found: core-seconds per network that counts.

`python benchmarks/study.py results/laptop` adds the study to the table of this kind of hardware.
Run it where the study ran.

A network counts if it path-integrates (its position error is below the study's threshold) and its
units were scored with chance. Its price is the time of all training, mapping and scoring jobs of
the study, over the number of networks that count. Networks that fail are thus paid for as well.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import logging
from pathlib import Path
from typing import Any

import numpy as np
import tables
from nofreelunch.errors import DatasetError
from nofreelunch.files import datasets
from nofreelunch.files.contract import STAGES

TIMED = ("training", "rate_maps", "scores")  # stages with one job per cohort

log = logging.getLogger("benchmarks")


def cost(folder: Path) -> dict[str, Any]:
    """What a study in `folder` spent on the cohorts of its summary, by stage, and how many count.

    Snakemake's records say how many seconds each job took from start to end. Every job has one
    thread, so these are core-seconds. They include imports and waiting. Jobs that are not of a
    cohort (trajectories, theory, summary, figures, report) are left out.

    A record is of the last run of its job. `resumed` is the number of cohorts whose training went
    on from a checkpoint, so that its record lacks the time before.

    Raises:
        DatasetError: for a study that is not finished, or a job without a record.
    """
    with datasets.load(folder / STAGES["summary"].files, "summary") as summary:
        counts = summary["low_error"].astype(bool) & summary["grid_fraction"].notnull()
        cohorts = np.unique(summary["cohort"].values.astype(str)).tolist()
        study, networks = str(summary.attrs["study"]), summary.sizes["network"]
    logs, devices, resumed = folder / "logs", set(), 0
    for cohort in cohorts:
        trained = folder / STAGES["training"].files.format(cohort=cohort)
        with datasets.load(trained, "training") as dataset:
            devices.add(str(dataset.attrs["device"]))
        resumed += "going on from step" in _read(logs / "training" / f"{cohort}.log")
    made = (folder / STAGES["summary"].files).stat().st_mtime
    return {
        "study": study,
        "date": datetime.date.fromtimestamp(made).isoformat(),
        "device": " and ".join(sorted(devices)),
        "networks": networks,
        "counted": int(counts.sum()),
        "core_seconds": {
            stage: sum(_seconds(logs / stage / f"{cohort}.tsv") for cohort in cohorts)
            for stage in TIMED
        },
        "resumed": resumed,
    }


def run(folder: Path) -> dict[str, Any]:
    """The cost of a study beside those of the studies that were recorded before; `rows`."""
    found = cost(folder)
    log.info("%s", found)
    rows = {row["study"]: row for row in [*tables.recorded("studies").get("rows", ()), found]}
    return {"rows": [rows[study] for study in sorted(rows)], "load": None}


def _seconds(path: Path) -> float:
    """Seconds that a job took, by Snakemake's record of it."""
    rows = csv.DictReader(_read(path).splitlines(), delimiter="\t")
    return sum(float(row["s"]) for row in rows)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise DatasetError(f"{path}: no such file; the job that writes it has to run") from error


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="results of a finished study, as results/laptop")
    try:
        tables.record("studies", lambda: run(parser.parse_args().folder))
    except DatasetError as error:
        parser.error(str(error))
