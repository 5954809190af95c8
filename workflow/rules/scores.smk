"""Scores of all units: one job per cohort."""


rule scores:
    input:
        files_of("rate_maps"),
    output:
        files_of("scores"),
    log:
        f"{LOGS}/scores/{{cohort}}.log",
    benchmark:
        f"{LOGS}/scores/{{cohort}}.tsv"
    priority: 30
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(map_megabytes),
        runtime=limit("scores", hours_of_scoring),
    params:
        run=lambda wildcards: {
            "surrogates": config["scores"]["surrogates"],
            "calibrated": True,
            "networks": ids_of(wildcards.cohort),
            "mapped_by": code_of_cohorts("rate_maps", wildcards.cohort),
            "code": code("scores"),
        },
    message:
        "Grid scores of {wildcards.cohort}"
    script:
        "../scripts/scores.py"
