"""The plan of the study, and what all rules need: paths, fingerprints, stage lists."""

import os
import sys
from base64 import urlsafe_b64encode
from functools import cache
from pathlib import Path

# Not workflow.basedir, which is another folder where this workflow is a module of another one.
ROOT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parents[1]
SCRIPTS = ROOT / "workflow" / "scripts"

# This copy of the library comes before an installed one, here and in the jobs.
sys.path.insert(0, str(ROOT / "workflow"))
paths = filter(None, [str(ROOT / "workflow"), os.environ.get("PYTHONPATH")])
os.environ.update(PYTHONPATH=os.pathsep.join(paths))

from snakemake.logging import logger

from nofreelunch import cluster, configuration, estimates, notices, runs
from nofreelunch import plan as plans
from nofreelunch import study as studies
from nofreelunch.binning import bin_count
from nofreelunch.cohorts import digest
from nofreelunch.fingerprints import fingerprint

try:
    config.update(configuration.check(config))
    compute = config["compute"]
    packing = compute["cohort_size"], compute["device"]
    planned = plans.path(".snakemake/nofreelunch", config["study"], *packing)
    plan = None if workflow.is_main_process else plans.load(planned)
    if plan is None:
        study = studies.load(config["study"])
        bin_count(study.trajectories["arena"], config["rate_maps"]["bin_size"])
        plan = plans.make(study, *packing)
except ValueError as error:
    sys.exit(f"{error}")

cohorts = plan.cohorts
RESULTS = f"results/{plan.name}"
LOGS = f"{RESULTS}/logs"
ENVIRONMENT = str(ROOT / "envs" / "environment.yaml")
RESULT_FIGURES = tuple(f"result_{number}" for number in range(1, 7))
FIGURES = ("overview", *RESULT_FIGURES, "chance", "lattices", "learning_curves")


wildcard_constraints:
    cohort="[a-z0-9_-]+",
    encoding="[a-z0-9_]+",
    figure="[a-z0-9_]+",
    length=r"\d+",


@cache
def code(stage, *modules, target=None, cell=None):
    """Fingerprint of a stage's script and of the library code that it runs.

    For one target or cell, the code of the others does not count.
    """
    uses = {kind: name for kind, name in (("target", target), ("cell", cell)) if name}
    return fingerprint(SCRIPTS / f"{stage}.py", *modules, **uses)


def code_of_cohort(stage, cohort):
    """Fingerprint of a stage's code for the target and the cell of a cohort."""
    network = cohorts[cohort].networks[0]
    return code(stage, target=network["target"], cell=network["cell"])


def recorded(path):
    """Whether Snakemake knows how a file was made; a name too long to be sure counts as known."""
    name = urlsafe_b64encode(str(path).encode()).decode()
    return len(name) > 250 or Path(".snakemake", "metadata", name).exists()


def locked():
    """Whether a run has locked this study; others may be made in the same folder."""
    locks = Path(".snakemake", "locks").glob("*.lock")
    return any(f"{RESULTS}/" in path.read_text(encoding="utf-8") for path in locks)


def notices_of_change():
    """What a user should know about results that are there already."""
    codes = {
        "networks": {name: code_of_cohort("training", name) for name in cohorts},
        "rate_maps": {name: code_of_cohort("rate_maps", name) for name in cohorts},
        "scores": {name: code("scores") for name in cohorts},
    }
    return [
        *notices.of_layout(RESULTS, codes),
        *notices.of_code(RESULTS, codes, recorded),
        *notices.of_versions(RESULTS, "networks", cohorts),
    ]


def training_pool(wildcards):
    """Walks as long as the longest sequence of the cohort; shorter sequences are their beginnings."""
    networks = cohorts[wildcards.cohort].networks
    length = max(network["sequence_length"] for network in networks)
    return f"{RESULTS}/trajectories/training_{length}.nc"


def of_all_cohorts(stage):
    """The files that a stage makes, one per cohort."""
    return expand(f"{RESULTS}/{stage}/{{cohort}}.nc", cohort=cohorts)


def of_all_encodings():
    """The theory of the targets of every encoding of the study."""
    return expand(f"{RESULTS}/theory/{{encoding}}.nc", encoding=plan.targets)


def captions():
    """Fingerprint of the report's captions."""
    texts = sorted((ROOT / "workflow" / "report").glob("*.rst"))
    return digest([path.read_text(encoding="utf-8") for path in texts], 12)


if workflow.is_main_process:
    sizes = config["rate_maps"]["bin_size"], config["scores"]["surrogates"]
    logger.info(estimates.describe(study, list(cohorts.values()), *sizes, compute["device"]))
    for line in [*notices_of_change(), *(runs.notice(RESULTS) if locked() else [])]:
        logger.warning(line)


def runs_here():
    """Whether jobs run on this machine."""
    return workflow.executor_plugin is None or workflow.executor_plugin.name == "local"


def gpu_of_this_machine():
    """What a training job asks for where it shares a GPU with others; on a cluster its profile asks."""
    if not (workflow.is_main_process and runs_here()) or compute["device"] == "cpu":
        return {}
    if compute["device"] == "auto":
        asked = "import torch; print(torch.cuda.is_available())"
        there = cluster.has_gpu_driver() and cluster.say([sys.executable, "-c", asked], 60)
        if (there or "").strip() != "True":
            return {}
    return {"gpu": 1}


CHOOSE = """
import sys
from nofreelunch import devices
try:
    devices.choose(*sys.argv[1:])
except ValueError as error:
    print(error)
"""


def refusals_of_device():
    """A line where training on this machine would find no such device, or not its precision."""
    # Jobs in environments of their own may have another torch than this process.
    here = runs_here() and not workflow.deployment_settings.deployment_method
    asked = compute["device"], compute["precision"]
    # Looking for a device takes torch, and so seconds, and memory that its process gives back.
    if not here or (asked[0] != "cuda" and asked[1] == "float32"):
        return []
    if not any(job.rule.name == "training" for job in workflow.dag.needrun_jobs()):
        return []
    return (cluster.say([sys.executable, "-c", CHOOSE, *asked], 60) or "").splitlines()


onstart:
    refusals = [
        *notices.of_layout(RESULTS, ("networks", "rate_maps", "scores")),
        *notices.of_space(RESULTS, estimates.size(study, *sizes)),
        *refusals_of_slurm(),
        *refusals_of_device(),
    ]
    for line in refusals:
        logger.error(line)
    if refusals:
        sys.exit(1)
    plans.save(plan, planned)
    runs.begin(RESULTS)


onsuccess:
    runs.end(RESULTS)


onerror:
    runs.end(RESULTS)
