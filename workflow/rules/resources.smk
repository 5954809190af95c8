"""What each job asks of a cluster: memory and time that double at each attempt."""

from nofreelunch import cluster
from nofreelunch.costs import memory

# A training job that runs into this limit goes on from its checkpoint at the next attempt.
LONGEST = 24 * 60
GENEROUS = (
    4  # times the estimate, since networks of most sizes do not reach the rates that it assumes
)
STARTING = 30  # minutes: start-up, file systems that are slow for a while
PROFILE = "profiles/slurm/config.yaml"
PROCESS = 2000  # MB that Python, torch and Snakemake take in any job, and room


def growing(amount):
    """A resource that doubles at each attempt."""
    return lambda wildcards, attempt: amount * 2 ** (attempt - 1)


def minutes(hours, attempt):
    """A limit of time from an estimate."""
    return min(LONGEST, round(STARTING + GENEROUS * 60 * hours) * 2 ** (attempt - 1))


def minutes_of_training(wildcards, attempt):
    """From the arithmetic of the cohort; a CPU is assumed unless compute.device is cuda."""
    hours = estimates.hours_of_training(cohorts[wildcards.cohort], config["compute"]["device"])
    return minutes(hours, attempt)


def minutes_of_scoring(wildcards, attempt):
    """From the number of units and surrogates."""
    units = sum(network["units"] for network in cohorts[wildcards.cohort].networks)
    return minutes(estimates.hours_of_scoring(units, config["scores"]["surrogates"]), attempt)


def megabytes_of_training(wildcards, attempt):
    """The cohort beside its pool of walks; CUDA's libraries take about as much again as torch."""
    specs = [network.spec for network in cohorts[wildcards.cohort].networks]
    steps = max(spec["sequence_length"] for spec in specs)
    pool = 4 * study.trajectories["training"]["count"] * 2 * (2 * steps + 1)
    fixed = PROCESS * (2 if config["compute"]["device"] == "cuda" else 1)
    return (fixed + (memory(specs) + 2 * pool) // 10**6) * 2 ** (attempt - 1)


def megabytes_of_maps(wildcards, attempt):
    """Sums of two halves in float64, maps in float32; products of units with units of the ridge."""
    networks = cohorts[wildcards.cohort].networks
    bins = bin_count(study.trajectories["arena"], config["rate_maps"]["bin_size"])
    units = networks[0]["units"]
    maps = len(networks) * units * (20 * bins**2 + 32 * units)
    return (PROCESS + maps // 10**6) * 2 ** (attempt - 1)


def asked_of_slurm(jobs):
    """What the jobs of a run ask a cluster for, the most of each rule."""
    asked = {}
    for job in jobs:
        wish = cluster.Asked(
            job.rule.name,
            str(job.resources.get("slurm_partition", "")),
            job.resources.get("runtime", 0),
            job.resources.get("gpu", 0),
            str(job.resources.get("gpu_model", "")),
        )
        before = asked.setdefault(wish.rule, wish)
        asked[wish.rule] = max(before, wish, key=lambda one: one.minutes)
    return list(asked.values())


def refusals_of_slurm():
    """Lines on what a run through SLURM cannot have; none where it does not go through SLURM."""
    if workflow.executor_plugin is None or workflow.executor_plugin.name != "slurm":
        return []
    jobs = [job for job in workflow.dag.needrun_jobs() if not job.is_local]
    asked = asked_of_slurm(jobs)
    device = config["compute"]["device"]
    for wish in asked:
        if wish.rule == "training" and (wish.gpus > 0) != (device == "cuda") and device != "auto":
            return [
                f"{PROFILE}: set-resources: training: gpu: found {wish.gpus}, allowed: "
                f"{'1' if device == 'cuda' else '0'}, as compute.device is {device}"
            ]
    said = cluster.say(["sinfo", "--noheader", "--Node", "--format=%P|%l|%G"])
    if said is None:
        return ["sinfo: no answer: start a run through SLURM on a login node of its cluster"]
    comments = ["_".join(["rule", job.rule.name, "wildcards", *job.wildcards]) for job in jobs]
    queue = cluster.say(["squeue", "--noheader", "--format=%i|%k|%Z"]) or ""
    left = " ".join(cluster.survivors(queue, os.getcwd(), comments))
    if left:
        return [
            f"{RESULTS}: jobs of an earlier run are still at work on it: wait for them, or "
            f"`scancel {left}`, and run again"
        ]
    return cluster.refusals(cluster.partitions(said), asked, PROFILE)
