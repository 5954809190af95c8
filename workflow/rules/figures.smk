"""Figures and the numbers in them: one job each."""


rule figures:
    input:
        summary=files_of("summary"),
        units=files_of("units"),
        theory=all_of("theory"),
        cohorts=lambda wildcards: (
            all_of(FIGURES[wildcards.figure]) if FIGURES[wildcards.figure] else []
        ),
    output:
        pdf=f"{RESULTS}/figures/{{figure}}.pdf",
        svg=f"{RESULTS}/figures/{{figure}}.svg",
        csv=f"{RESULTS}/figures/{{figure}}.csv",
        png=report(
            f"{RESULTS}/figures/{{figure}}.png",
            caption="../report/figures.rst",
            category="Figures",
            labels=lambda wildcards: labels_of(wildcards.figure),
        ),
    log:
        f"{LOGS}/figures/{{figure}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2 * PROCESS),
        runtime=limit("figures"),
    params:
        run=lambda wildcards: {
            "targets": as_params(),
            "code": code("figures", f"nofreelunch.figures.{wildcards.figure}"),
        },
    message:
        "Drawing {wildcards.figure}"
    script:
        "../scripts/figures.py"
