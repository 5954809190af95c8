SHOW_RATE_MAPS = ("overview", "result_2")


rule figures:
    input:
        summary=f"{RESULTS}/summary.nc",
        theory=of_all_targets(),
        rate_maps=lambda wildcards: (
            of_all_cohorts("rate_maps") if wildcards.figure in SHOW_RATE_MAPS else []
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
    resources:
        mem_mb=4000,
    params:
        run=lambda wildcards: {"code": code("figures", f"nofreelunch.figures.{wildcards.figure}")},
    message:
        "Drawing {wildcards.figure}"
    script:
        "../scripts/figures.py"
