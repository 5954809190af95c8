SHOWN = {
    "overview": "rate_maps",
    "result_2": "rate_maps",
    "chance": "scores",
    "lattices": "rate_maps",
    "learning_curves": "networks",
}


rule figures:
    input:
        summary=f"{RESULTS}/summary.nc",
        units=f"{RESULTS}/units.nc",
        theory=of_all_encodings(),
        cohorts=lambda wildcards: (
            of_all_cohorts(SHOWN[wildcards.figure]) if wildcards.figure in SHOWN else []
        ),
    output:
        pdf=f"{RESULTS}/figures/{{figure}}.pdf",
        png=report(
            f"{RESULTS}/figures/{{figure}}.png",
            caption="../report/figures.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
    log:
        f"{LOGS}/figures/{{figure}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2 * PROCESS),
        runtime=limit("figures"),
    params:
        run=lambda wildcards: {"code": code("figures", f"nofreelunch.figures.{wildcards.figure}")},
    message:
        "Drawing {wildcards.figure}"
    script:
        "../scripts/figures.py"
