"""What each job asks a cluster for: memory and time, which double at each attempt."""

from nofreelunch.running import preflight, requests, slurm
from nofreelunch.running.requests import PROCESS
from nofreelunch.study import estimates
from nofreelunch.task.arena import bin_count


def runs_here():
    """Whether jobs run on this machine."""
    return workflow.executor_plugin is None or workflow.executor_plugin.name == "local"


def runs_through_slurm():
    """Whether this process submits jobs to SLURM."""
    plugin = workflow.executor_plugin
    return workflow.is_main_process and plugin is not None and plugin.name == "slurm"


def partition_file():
    """Whether the executor chooses partitions by a file of its own."""
    asked = getattr(workflow.executor_settings, "partition_config", None)
    return bool(asked or os.environ.get("SNAKEMAKE_SLURM_PARTITIONS"))


def partition_of(rule):
    """Partition that the profile gives to a rule, as `slurm.partition_asked` has it."""
    settings = workflow.resource_settings
    given = {**(settings.default_resources or {}), **settings.overwrite_resources.get(rule, {})}
    return slurm.partition_asked(given, partition_file())


@cache
def longest(rule):
    """Longest time limit (minutes) of a rule's jobs: a day, or what their partition allows."""
    found = slurm.cluster_partitions() if runs_through_slurm() else None
    return min(requests.DAY, slurm.time_limit(found or {}, partition_of(rule)))


def growing(megabytes):
    """Memory (MB) that doubles at each attempt; `megabytes` may be a function of the wildcards."""

    def asked(wildcards, attempt):
        estimated = megabytes(wildcards) if callable(megabytes) else megabytes
        return requests.megabytes(estimated, attempt)

    return asked


def limit(rule, hours=lambda wildcards: 0):
    """Time limit (minutes) that doubles at each attempt, from an estimate in hours."""
    return lambda wildcards, attempt: requests.minutes(hours(wildcards), attempt, longest(rule))


def hours_of_training(wildcards):
    """Estimated hours of a cohort, on a CPU unless compute.device is cuda."""
    return estimates.hours_of_training(cohorts[wildcards.cohort], compute["device"])


# Priority of walks, because a long training that waits for its own would start last; and of theory
# and patterns, because the patterns of a study's targets keep one core busy for a minute or more.
FIRST = 40


def long_first(hours):
    """Priority of training, from an estimate in hours: longer jobs start earlier.

    Otherwise one core might be idle while another trains the last networks. Priorities are from 10
    to 20, between those of jobs without one and those of rate maps.
    """
    return lambda wildcards: 20 - 10 / (1 + hours(wildcards))


def hours_of_scoring(wildcards):
    """Estimated hours of mapping or scoring a cohort, by its units and surrogates."""
    units = sum(network["units"] for network in cohorts[wildcards.cohort].networks)
    return estimates.hours_of_scoring(units, config["scores"]["surrogates"])


def hours_of_patterns(wildcards):
    """Estimated hours of growing and scoring the patterns of all targets: seconds for each."""
    return estimates.hours_of_patterns(sum(map(len, plan.targets.values())))


def training_megabytes(wildcards):
    """Estimated memory of training a cohort."""
    walks = plan.trajectories["training"]["count"]
    return requests.training_megabytes(cohorts[wildcards.cohort], walks, compute["device"])


def map_megabytes(wildcards):
    """Estimated memory of mapping or scoring a cohort."""
    bins = bin_count(space_of(arena_of(wildcards.cohort))["arena"], config["rate_maps"]["bin_size"])
    return requests.map_megabytes(cohorts[wildcards.cohort], bins)


def gpu_of_this_machine():
    """What a training job asks of this machine's GPU; on a cluster, the profile asks."""
    gpus = preflight.gpus_here(compute["device"]) if workflow.is_main_process and runs_here() else 0
    return {"gpu": gpus} if gpus else {}
