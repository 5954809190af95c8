"""The plan of the study, and what every rule needs: paths, fingerprints, stage lists."""

import os
import sys
from pathlib import Path

ROOT = Path(workflow.basedir)
SCRIPTS = ROOT / "workflow" / "scripts"

# This copy of the library comes before an installed one, here and in the jobs.
sys.path.insert(0, str(ROOT / "workflow"))
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(ROOT / "workflow"), os.environ.get("PYTHONPATH")])
)

from nofreelunch import configuration
from nofreelunch import study as studies
from nofreelunch.binning import bin_count
from nofreelunch.cohorts import digest
from nofreelunch.fingerprints import fingerprint

try:
    config.update(configuration.check(config))
    study = studies.load(config["study"])
    bin_count(study.trajectories["arena"], config["rate_maps"]["bin_size"])
    cohorts = {
        cohort.name: cohort
        for cohort in study.pack(config["compute"]["cohort_size"], config["compute"]["device"])
    }
except ValueError as error:
    sys.exit(f"{error}")

RESULTS = f"results/{study.name}"
LOGS = f"{RESULTS}/logs"
FIGURES = ("overview", *(f"result_{number}" for number in range(1, 7)))

TARGET_KEYS = (
    "target",
    "place_cells",
    "place_cell_width",
    "surround",
    "amplitude_ratio",
    "fields_per_cell",
)
targets = {}
for network in study.networks:
    target = {key: network[key] for key in TARGET_KEYS}
    targets[f"{target['target']}-{digest(target, 10)}"] = target


wildcard_constraints:
    cohort="[a-z0-9_-]+",
    target="[a-z0-9_-]+",
    figure="[a-z0-9_]+",
    length=r"\d+",


def code(stage, *modules):
    """Fingerprint of a stage's script and of all library code that it imports."""
    return fingerprint(SCRIPTS / f"{stage}.py", *modules)


def of_all_cohorts(stage):
    """The files that a stage makes, one per cohort."""
    return expand(f"{RESULTS}/{stage}/{{cohort}}.nc", cohort=cohorts)


def of_all_targets():
    """The theory of every distinct target of the study."""
    return expand(f"{RESULTS}/theory/{{target}}.nc", target=targets)


def captions():
    """Fingerprint of the report's captions."""
    texts = sorted((ROOT / "workflow" / "report").glob("*.rst"))
    return digest([path.read_text(encoding="utf-8") for path in texts], 12)
