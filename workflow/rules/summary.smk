"""The tables of all networks and units, and the index of their files."""


rule summary:
    input:
        networks=all_of("training"),
        rate_maps=all_of("rate_maps"),
        scores=all_of("scores"),
        lesions=files_of("lesions"),
    output:
        networks=files_of("summary"),
        units=files_of("units"),
        index=f"{RESULTS}/networks.csv",
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
            "arena": plan.trajectories["arena"],
            "thresholds": config["thresholds"],
            "code": code("summary"),
        },
    message:
        "Summarising the study"
    script:
        "../scripts/summary.py"
