"""What each job asks of a cluster: memory and time that double at each attempt."""

from nofreelunch import cluster
from nofreelunch.costs import memory

# Minutes of the longest job of a rule; on a cluster less, where its partition allows less. Training
# that runs into it goes on from its checkpoint at the next attempt.
DAY = 24 * 60
longest = {}
# An estimate is multiplied by the first, since networks of most sizes do not reach the rates that it
# assumes, and added to the second (minutes), for start-up and file systems that are slow for a while.
GENEROUS, STARTING = 4, 30
PROCESS = 2000  # MB that Python, torch and Snakemake take in any job, and room
PROFILE = "profiles/slurm/config.yaml"


def growing(megabytes):
    """Memory that doubles at each attempt."""
    return lambda wildcards, attempt: megabytes * 2 ** (attempt - 1)


def limit(rule, hours=lambda wildcards: 0):
    """A limit of time (minutes) that doubles at each attempt, from an estimate in hours."""

    def minutes(wildcards, attempt):
        estimated = round(STARTING + GENEROUS * 60 * hours(wildcards))
        return min(longest.get(rule, DAY), estimated * 2 ** (attempt - 1))

    return minutes


def hours_of_training(wildcards):
    """From the arithmetic of the cohort; a CPU is assumed unless compute.device is cuda."""
    return estimates.hours_of_training(cohorts[wildcards.cohort], config["compute"]["device"])


def hours_of_scoring(wildcards):
    """From the number of units and surrogates."""
    units = sum(network["units"] for network in cohorts[wildcards.cohort].networks)
    return estimates.hours_of_scoring(units, config["scores"]["surrogates"])


def megabytes_of_training(wildcards, attempt):
    """The cohort beside its pool of walks; CUDA's libraries take about as much again as torch."""
    specs = [network.spec for network in cohorts[wildcards.cohort].networks]
    steps = max(spec["sequence_length"] for spec in specs)
    pool = 4 * plan.trajectories["training"]["count"] * 2 * (2 * steps + 1)
    fixed = PROCESS * (2 if config["compute"]["device"] == "cuda" else 1)
    return (fixed + (memory(specs) + 2 * pool) // 10**6) * 2 ** (attempt - 1)


def megabytes_of_maps(wildcards, attempt):
    """Sums of two halves in float64, maps in float32; products of units with units of the ridge."""
    networks = cohorts[wildcards.cohort].networks
    bins = bin_count(plan.trajectories["arena"], config["rate_maps"]["bin_size"])
    units = networks[0]["units"]
    maps = len(networks) * units * (20 * bins**2 + 32 * units)
    return (PROCESS + maps // 10**6) * 2 ** (attempt - 1)


def asked_of_slurm(jobs):
    """What the jobs of a run ask a cluster for, the most of each rule."""
    asked = {}
    for job in jobs:
        given = {name: job.resources.get(name) or "" for name in ("slurm_partition", "gpu_model")}
        gres = sum(count for _, count in cluster.gpus(str(job.resources.get("gres") or "")))
        wish = cluster.Asked(
            job.rule.name,
            str(given["slurm_partition"]),
            job.resources.get("runtime", 0),
            job.resources.get("gpu") or gres or int(given["gpu_model"] != ""),
            str(given["gpu_model"]),
        )
        before = asked.setdefault(wish.rule, wish)
        asked[wish.rule] = max(before, wish, key=lambda one: one.minutes)
    return list(asked.values())


def partition_of(job):
    """Where a job goes by the profile; "" is the cluster's default partition. Nothing is kept of it."""
    given = job.rule.expand_resources(job.wildcards_dict, job.input, 1, skip_evaluation={"tmpdir"})
    return str(given.get("slurm_partition") or "")


def refusals_of_slurm():
    """Lines on what a run through SLURM cannot have; none where it does not go through SLURM."""
    if workflow.executor_plugin is None or workflow.executor_plugin.name != "slurm":
        return []
    said = cluster.say(["sinfo", "--noheader", "--Node", "--format=%P|%l|%G"])
    if said is None:
        return ["sinfo: no answer: start a run through SLURM on a login node of its cluster"]
    found = cluster.partitions(said)
    jobs = [job for job in workflow.dag.needrun_jobs() if not job.is_local]
    # Before the resources of any job are worked out for good.
    for rule, job in {job.rule.name: job for job in jobs}.items():
        longest[rule] = min(DAY, cluster.time_limit(found, partition_of(job)))
    asked = asked_of_slurm(jobs)
    return [
        *contradictions(asked),
        *cluster.refusals(found, asked, PROFILE),
        *jobs_of_an_earlier_run(jobs),
    ]


def contradictions(asked):
    """A line where training asks for a GPU that it does not use, or for none that it needs."""
    device = config["compute"]["device"]
    allowed = {"cpu": 0, "cuda": 1}
    return [
        f"{PROFILE}: set-resources: training: gpu: found {wish.gpus}, allowed: {allowed[device]}, "
        f"as compute.device is {device}"
        for wish in asked
        if wish.rule == "training" and wish.gpus != allowed.get(device, wish.gpus)
    ]


def jobs_of_an_earlier_run(jobs):
    """A line where cohorts of these jobs are in the queue or at work already."""
    # Other rules have short jobs, and other studies in this folder have jobs of the same names.
    of_cohorts = [job for job in jobs if "cohort" in job.wildcards_dict]
    comments = [f"rule_{job.rule.name}_wildcards_{job.wildcards.cohort}" for job in of_cohorts]
    queue = cluster.say(["squeue", "--noheader", "--format=%i|%k|%Z"]) or ""
    left = " ".join(cluster.survivors(queue, os.getcwd(), comments))
    if not left:
        return []
    return [
        f"{RESULTS}: jobs of an earlier run are still at work on it: wait for them, or "
        f"`scancel {left}`, and run again"
    ]
