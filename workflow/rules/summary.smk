rule summary:
    input:
        networks=of_all_cohorts("networks"),
        rate_maps=of_all_cohorts("rate_maps"),
        scores=of_all_cohorts("scores"),
    output:
        networks=f"{RESULTS}/summary.nc",
        units=f"{RESULTS}/units.nc",
        table=report(
            f"{RESULTS}/summary.csv",
            caption="../report/summary.rst",
            category="Networks",
            labels={"what": "all networks"},
        ),
    log:
        f"{LOGS}/summary.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2 * PROCESS),
        runtime=limit("summary"),
    params:
        run=lambda wildcards: {
            "study": plan.name,
            "sweeps": plan.sweeps,
            "defaults": plan.defaults,
            "thresholds": config["thresholds"],
            "code": code("summary"),
        },
    message:
        "Summarising the study"
    script:
        "../scripts/summary.py"
