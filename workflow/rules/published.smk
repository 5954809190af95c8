"""The published models: walks, training, maps and scores. See studies/published.yaml."""

from nofreelunch.study.published_models import (
    BIN_SIZE,
    NOT_SCORED,
    NOT_TRAINED,
    SEEDS,
    SURROGATES,
    cohort_of,
)

OF_MODEL = f"{RESULTS}/models/{{model}}"


wildcard_constraints:
    model="|".join(plan.models) or "none",
    job="[a-z0-9_]+",
    walks=r"[a-z0-9_.-]+",


def job_of(wildcards):
    """A job of a model: the kind of its networks, their specs, and the settings of their walks."""
    return plan.models[wildcards.model]["jobs"][wildcards.job]


def walks_file(settings):
    """The file of walks with these settings, which jobs share."""
    name = "-".join(str(settings[key]) for key in sorted(settings))
    return f"{RESULTS}/walks/{name}.nc"


ALL_WALKS = {
    Path(walks_file(settings)).stem: settings
    for model in plan.models.values()
    for job in model["jobs"].values()
    for settings in job["walks"].values()
}


def walks_of(purpose):
    """Input function: the walks of a job for a purpose; none where networks draw their own."""

    def found(wildcards):
        walks = job_of(wildcards)["walks"]
        return walks_file(walks[purpose]) if walks else []

    return found


def maps_from(wildcards):
    """What the maps of a job are made from: nothing where they are factorisations."""
    if job_of(wildcards)["kind"] in NOT_TRAINED:
        return {}
    return {
        "networks": f"{OF_MODEL}/networks/{{job}}.nc".format(**wildcards),
        "walks": walks_of("maps")(wildcards),
        "longer": walks_of("longer")(wildcards),
    }


def code_of_job(stage, package, wildcards):
    """Fingerprint of a stage's code for the kind, targets, cells and optimisers of a job.

    A kind of networks is a module of the package; factorisations are none.
    """
    job, kinds = job_of(wildcards), ("target", "cell", "optimizer")
    uses = {k: frozenset(n[k] for n in job["networks"] if k in n) for k in kinds}
    return code(stage, f"nofreelunch.{package}.published.{job['kind']}", **uses)


def has(folder, kind):
    """Whether the jobs of a kind of networks have files in a folder."""
    if folder == "networks":
        return kind not in NOT_TRAINED
    return (kind in NOT_SCORED) == (folder == "node_maps")


def of_models(folder, models=plan.models):
    """The files in a folder of all jobs of models."""
    return [
        f"{OF_MODEL}/{folder}/{{job}}.nc".format(model=model, job=job)
        for model in models
        for job, settings in plan.models[model]["jobs"].items()
        if has(folder, settings["kind"])
    ]


def files_of_model(folder):
    """Input function: the files of all jobs of a model in a folder."""
    return lambda wildcards: of_models(folder, [wildcards.model])


def hours_of_job(wildcards):
    """Estimated hours of training a job, on a CPU unless compute.device is cuda."""
    return estimates.hours_of_job(job_of(wildcards), compute["device"])


rule published_walks:
    output:
        f"{RESULTS}/walks/{{walks}}.nc",
    log:
        f"{LOGS}/walks/{{walks}}.log",
    priority: FIRST
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2 * PROCESS),
        runtime=limit("published_walks"),
    params:
        run=lambda wildcards: {**ALL_WALKS[wildcards.walks], "code": code("published_walks")},
    message:
        "Walking {wildcards.walks}"
    script:
        "../scripts/published_walks.py"


rule published_training:
    input:
        walks=walks_of("training"),
    output:
        f"{OF_MODEL}/networks/{{job}}.nc",
    log:
        f"{LOGS}/{{model}}/training/{{job}}.log",
    benchmark:
        f"{LOGS}/{{model}}/training/{{job}}.tsv"
    priority: long_first(hours_of_job)
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        **gpu_of_this_machine(),
        mem_mb=growing(6 * PROCESS),
        runtime=limit("published_training", hours_of_job),
    params:
        run=lambda wildcards: {
            "networks": job_of(wildcards)["networks"],
            "code": code_of_job("published_training", "training", wildcards),
        },
    message:
        "Training {wildcards.job} of {wildcards.model}"
    script:
        "../scripts/published_training.py"


rule published_maps:
    input:
        unpack(maps_from),
    output:
        f"{OF_MODEL}/rate_maps/{{job}}.nc",
    log:
        f"{LOGS}/{{model}}/rate_maps/{{job}}.log",
    benchmark:
        f"{LOGS}/{{model}}/rate_maps/{{job}}.tsv"
    priority: 20
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(4 * PROCESS),
        runtime=limit("published_maps"),
    params:
        run=lambda wildcards: {
            "bin_sizes": (BIN_SIZE, plan.models[wildcards.model]["bin_size"]),
            "networks": job_of(wildcards)["networks"],
            "trained_by": code_of_job("published_training", "training", wildcards),
            "code": code_of_job("published_maps", "evaluation", wildcards),
        },
    message:
        "Rate maps of {wildcards.job} of {wildcards.model}"
    script:
        "../scripts/published_maps.py"


rule published_node_maps:
    input:
        f"{OF_MODEL}/networks/{{job}}.nc",
    output:
        f"{OF_MODEL}/node_maps/{{job}}.nc",
    log:
        f"{LOGS}/{{model}}/node_maps/{{job}}.log",
    benchmark:
        f"{LOGS}/{{model}}/node_maps/{{job}}.tsv"
    priority: 20
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(4 * PROCESS),
        runtime=limit("published_node_maps"),
    params:
        run=lambda wildcards: {
            "seed": SEEDS["maps"],
            "networks": job_of(wildcards)["networks"],
            "trained_by": code_of_job("published_training", "training", wildcards),
            "code": code_of_job("published_node_maps", "evaluation", wildcards),
        },
    message:
        "Predictions and node maps of {wildcards.job} of {wildcards.model}"
    script:
        "../scripts/published_node_maps.py"


rule published_scores:
    input:
        f"{OF_MODEL}/rate_maps/{{job}}.nc",
    output:
        f"{OF_MODEL}/scores/{{job}}.nc",
    log:
        f"{LOGS}/{{model}}/scores/{{job}}.log",
    benchmark:
        f"{LOGS}/{{model}}/scores/{{job}}.tsv"
    priority: 30
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(4 * PROCESS),
        runtime=limit("published_scores"),
    params:
        run=lambda wildcards: {
            "surrogates": min(SURROGATES, config["scores"]["surrogates"]),
            "calibrated": False,  # no claim about these models asks for it
            "networks": [n.id for n in cohort_of(wildcards.job, job_of(wildcards)).networks],
            "mapped_by": code_of_job("published_maps", "evaluation", wildcards),
            "code": code("scores"),
        },
    message:
        "Grid scores of {wildcards.job} of {wildcards.model}"
    script:
        "../scripts/scores.py"
