rule scores:
    input:
        f"{RESULTS}/rate_maps/{{cohort}}.nc",
    output:
        f"{RESULTS}/scores/{{cohort}}.nc",
    log:
        f"{LOGS}/scores/{{cohort}}.log",
    benchmark:
        f"{LOGS}/scores/{{cohort}}.tsv"
    priority: 30
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=megabytes_of_maps,
        runtime=limit("scores", hours_of_scoring),
    params:
        run=lambda wildcards: {
            "surrogates": config["scores"]["surrogates"],
            "networks": [network.id for network in cohorts[wildcards.cohort].networks],
            "mapped_by": code_of_cohort("rate_maps", wildcards.cohort),
            "code": code("scores"),
        },
    message:
        "Grid scores of {wildcards.cohort}"
    script:
        "../scripts/scores.py"
