"""What all rules share: the plan of the study, paths, fingerprints and input functions."""

import os
import sys
from functools import cache
from pathlib import Path

from snakemake.logging import logger

# Not workflow.basedir: where this is a module of another workflow, that is the other's folder.
ROOT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parents[1]
if not (ROOT / "workflow" / "nofreelunch").is_dir():
    sys.exit(
        f"snakefile: found {ROOT}, which holds no workflow/nofreelunch; allowed: the path of the "
        "Snakefile in a checkout (git clone), as its rules run the library beside them"
    )
# Here and in the jobs, this copy of the library comes before an installed one.
sys.path.insert(0, str(ROOT / "workflow"))
paths = filter(None, [str(ROOT / "workflow"), os.environ.get("PYTHONPATH")])
# Figures need no window, and a notebook's setting names a backend that may not be there.
os.environ.update(PYTHONPATH=os.pathsep.join(paths), MPLBACKEND="agg")

from nofreelunch.figures.contents import FIGURES
from nofreelunch.files.contract import STAGES
from nofreelunch.files.fingerprints import fingerprint
from nofreelunch.networks.cohorts import digest
from nofreelunch.running import captions as report_captions
from nofreelunch.running import notices
from nofreelunch.study.config import ConfigError, check_config
from nofreelunch.study.plan import planned, save_plan
from nofreelunch.study.schema import read_yaml
from nofreelunch.task.catalogue import as_params

try:
    # Snakemake reads repeated keys and numbers such as 0400 without a word.
    read_yaml(ROOT / "config.yaml", ConfigError)
    config.update(check_config(config))
    # A job's own process takes the plan that the main process kept.
    plan, PLAN_FILE = planned(config, ".snakemake/nofreelunch", kept=not workflow.is_main_process)
except ValueError as error:
    sys.exit(f"{error}")

cohorts = plan.cohorts
compute = config["compute"]
RESULTS = f"results/{plan.name}"
LOGS = f"{RESULTS}/logs"
ENVIRONMENT = str(ROOT / "envs" / "environment.yaml")


wildcard_constraints:
    arena=r"(_\d+(\.\d+)?m)?(_periodic)?",
    cohort="[a-z0-9_-]+",
    encoding="[a-z0-9_]+",
    figure="[a-z0-9_]+",
    length=r"\d+",


def files_of(stage):
    """Pattern of the files that a stage writes."""
    return f"{RESULTS}/{STAGES[stage].files}"


def all_of(stage):
    """All files that a stage writes: one per cohort, or per encoding."""
    if stage == "patterns" and not plan.targets:  # every network has an arena of its own
        return []
    return expand(files_of(stage), cohort=cohorts, encoding=plan.targets)


# All parameters are in one dictionary, `run`. Snakemake compares parameters as a set without their
# names, so it would not see two of them change places.
@cache
def code(stage, *modules, **uses):
    """Fingerprint of a stage's script and the library code it runs, for what it `uses` or for all."""
    return fingerprint(ROOT / "workflow" / "scripts" / f"{stage}.py", *modules, **uses)


def code_of_cohorts(stage, *names):
    """Fingerprint of a stage's code for the targets, cells and optimisers of some cohorts."""
    kinds = ("target", "cell", "optimizer")
    networks = [network for name in names for network in cohorts[name].networks]
    return code(stage, **{kind: frozenset(n[kind] for n in networks) for kind in kinds})


def ids_of(cohort):
    """Ids of the networks of a cohort."""
    return [network.id for network in cohorts[cohort].networks]


@cache
def say_what_runs_again():
    """Warn once if Snakemake's rules on what runs again are not this project's."""
    triggers = [trigger.name.lower() for trigger in workflow.rerun_triggers]
    for line in notices.of_triggers(triggers, workflow.dag_settings.max_checksum_file_size):
        logger.warning(line)


def arena_of(cohort):
    """What file names say of a cohort's own arena, such as "_1.1m"; nothing without one."""
    spec = cohorts[cohort].networks[0].spec
    side = f"_{spec['arena']}m" if "arena" in spec else ""
    return f"{side}_periodic" if "periodic" in spec else side


def space_of(arena):
    """Side (m) of an arena, and whether it is periodic, from what `arena_of` returned."""
    side = arena.removesuffix("_periodic")
    return {
        "arena": float(side[1:-1]) if side else plan.trajectories["arena"],
        "periodic": arena.endswith("_periodic"),
    }


def evaluation_pool(wildcards):
    """Held-out walks in the cohort's arena."""
    return f"{RESULTS}/trajectories/evaluation{arena_of(wildcards.cohort)}.nc"


def training_pool(wildcards):
    """Walks as long as the cohort's longest sequence; shorter sequences are their beginnings."""
    if workflow.is_main_process:  # which knows those rules only once it has read all of this
        say_what_runs_again()
    networks = cohorts[wildcards.cohort].networks
    length = max(network["sequence_length"] for network in networks)
    return f"{RESULTS}/trajectories/training_{length}{arena_of(wildcards.cohort)}.nc"


def captions():
    """Fingerprint of the report's captions."""
    texts = sorted((ROOT / "workflow" / "report").glob("*.rst"))
    return digest([path.read_text(encoding="utf-8") for path in texts], 12)


def sheet():
    """Fingerprint of the corrections and their pictures."""
    folder = ROOT / "workflow" / "report"
    kept = [folder / "corrections.json", *sorted(folder.glob("corrections_*.svg"))]
    return digest([path.read_text(encoding="utf-8") for path in kept], 12)


def labels_of(figure):
    """Place of a figure in the report, and what it shows, from its caption."""
    path = ROOT / "workflow" / "report" / "figures.rst"
    return report_captions.labels(report_captions.read_captions(path, FIGURES, config), figure)
