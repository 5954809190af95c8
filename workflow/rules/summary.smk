rule summary:
    input:
        networks=of_all_cohorts("networks"),
        rate_maps=of_all_cohorts("rate_maps"),
        scores=of_all_cohorts("scores"),
    output:
        dataset=f"{RESULTS}/summary.nc",
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
        runtime=minutes_of_a_short_job,
    params:
        run={
            "study": study.name,
            "sweeps": study.sweeps,
            "defaults": study.defaults,
            "thresholds": config["thresholds"],
            "code": code("summary"),
        },
    message:
        "Summarising the study"
    script:
        "../scripts/summary.py"
