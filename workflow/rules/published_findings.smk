"""What the networks of the published models show: tori, predictivity, figures and claims."""

from nofreelunch.figures.published.model_figures import FIGURES as MODEL_FIGURES
from nofreelunch.files.extras import installed_version


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
        run=lambda wildcards: {
            "ripser": installed_version("ripser"),
            "code": code("published_torus"),
        },
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
