"""The published models: walks, training, maps, scores, and what they show. See studies/published.yaml."""

from nofreelunch.figures.published.model_figures import FIGURES as MODEL_FIGURES
from nofreelunch.scoring.torus import ripser_version
from nofreelunch.study.published_models import (
    BIN_SIZE,
    NOT_SCORED,
    NOT_TRAINED,
    SEEDS,
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


def tori_of(models=plan.models):
    """The files of tori of models: of jobs of recurrent networks with rectified units."""
    return [
        f"{OF_MODEL}/torus/{{job}}.nc".format(model=model, job=job)
        for model in models
        for job, settings in plan.models[model]["jobs"].items()
        if settings["kind"] == "rnn" and settings["networks"][0]["activation"] == "relu"
    ]


def predictivity_of(wildcards):
    """How well the networks of a model predict cells, where the model has a part about that."""
    model = wildcards.model
    if not plan.models[model]["predictivity"]:
        return {}
    return {"predictivity": f"{OF_MODEL}/predictivity.nc".format(model=model)}


def recordings_of(wildcards):
    """The file of recorded cells that a model's networks predict, if there is one."""
    path = plan.models[wildcards.model]["predictivity"]["recordings"]
    return [path] if path else []


def hours_of_job(wildcards):
    """Estimated hours of training a job, on a CPU unless compute.device is cuda."""
    return estimates.hours_of_job(job_of(wildcards), compute["device"])


rule published_walks:
    output:
        f"{RESULTS}/walks/{{walks}}.nc",
    log:
        f"{LOGS}/walks/{{walks}}.log",
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
    priority: 10
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
            "surrogates": config["scores"]["surrogates"],
            "networks": [n.id for n in cohort_of(wildcards.job, job_of(wildcards)).networks],
            "mapped_by": code_of_job("published_maps", "evaluation", wildcards),
            "code": code("scores"),
        },
    message:
        "Grid scores of {wildcards.job} of {wildcards.model}"
    script:
        "../scripts/scores.py"


rule published_torus:
    input:
        rate_maps=f"{OF_MODEL}/rate_maps/{{job}}.nc",
        scores=f"{OF_MODEL}/scores/{{job}}.nc",
    output:
        f"{OF_MODEL}/torus/{{job}}.nc",
    log:
        f"{LOGS}/{{model}}/torus/{{job}}.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2 * PROCESS),
        runtime=limit("published_torus"),
    params:
        run=lambda wildcards: {"ripser": ripser_version(), "code": code("published_torus")},
    message:
        "Looking for a torus in {wildcards.job} of {wildcards.model}"
    script:
        "../scripts/published_torus.py"


rule published_predictivity:
    input:
        rate_maps=files_of_model("rate_maps"),
        recordings=recordings_of,
    output:
        f"{OF_MODEL}/predictivity.nc",
    log:
        f"{LOGS}/{{model}}/predictivity.log",
    benchmark:
        f"{LOGS}/{{model}}/predictivity.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(4 * PROCESS),
        runtime=limit("published_predictivity"),
    params:
        run=lambda wildcards: {
            "settings": plan.models[wildcards.model]["predictivity"],
            "code": code("published_predictivity"),
        },
    message:
        "Predicting cells by {wildcards.model}"
    script:
        "../scripts/published_predictivity.py"


rule published_summary:
    input:
        unpack(predictivity_of),
        rate_maps=files_of_model("rate_maps"),
        scores=files_of_model("scores"),
        tori=lambda wildcards: tori_of([wildcards.model]),
        node_maps=files_of_model("node_maps"),
    output:
        f"{OF_MODEL}/summary.nc",
    log:
        f"{LOGS}/{{model}}/summary.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2 * PROCESS),
        runtime=limit("published_summary"),
    params:
        run=lambda wildcards: {
            "about": {
                k: v
                for k, v in plan.models[wildcards.model].items()
                if k not in ("jobs", "predictivity")
            },
            "threshold": config["thresholds"]["grid_cells"],
            "code": code("published_summary"),
        },
    message:
        "Summary of {wildcards.model}"
    script:
        "../scripts/published_summary.py"


rule published_figures:
    input:
        summaries=expand(f"{OF_MODEL}/summary.nc", model=plan.models),
        rate_maps=of_models("rate_maps"),
    output:
        pdf=f"{RESULTS}/figures/{{figure}}.pdf",
        svg=f"{RESULTS}/figures/{{figure}}.svg",
        csv=f"{RESULTS}/figures/{{figure}}.csv",
        png=report(
            f"{RESULTS}/figures/{{figure}}.png",
            caption="../report/published.rst",
            category="Figures",
            labels=lambda wildcards: {"figure": wildcards.figure.replace("_", " ")},
        ),
    log:
        f"{LOGS}/figures/{{figure}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2 * PROCESS),
        runtime=limit("published_figures"),
    params:
        run=lambda wildcards: {
            "code": code("published_figures", f"nofreelunch.figures.published.{wildcards.figure}"),
        },
    message:
        "Drawing {wildcards.figure}"
    script:
        "../scripts/published_figures.py"


rule published_claims:
    input:
        summaries=expand(f"{OF_MODEL}/summary.nc", model=plan.models),
        figures=expand(f"{RESULTS}/figures/{{figure}}.png", figure=MODEL_FIGURES),
        vectors=expand(f"{RESULTS}/figures/{{figure}}.svg", figure=MODEL_FIGURES),
    output:
        text=f"{RESULTS}/claims.md",
        page=report(
            f"{RESULTS}/index.html",
            caption="../report/published_claims.rst",
            category="Claims",
            labels={"what": "models, claims and deviations"},
        ),
    log:
        f"{LOGS}/claims.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(PROCESS),
        runtime=limit("published_claims"),
    params:
        run=lambda wildcards: {"code": code("published_claims")},
    message:
        "Testing the claims of the papers"
    script:
        "../scripts/published_claims.py"


rule published_report:
    input:
        rules.published_claims.output,
        expand(f"{RESULTS}/figures/{{figure}}.png", figure=MODEL_FIGURES),
        expand(f"{RESULTS}/figures/{{figure}}.pdf", figure=MODEL_FIGURES),
    output:
        f"{RESULTS}/report.html",
    log:
        f"{LOGS}/report.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(PROCESS),
        runtime=limit("published_report"),
    params:
        run=lambda wildcards: {"code": code("report")},
    message:
        "Writing the report"
    script:
        "../scripts/report.py"
