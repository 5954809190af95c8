rule rate_maps:
    input:
        networks=f"{RESULTS}/networks/{{cohort}}.nc",
        evaluation=f"{RESULTS}/trajectories/evaluation.nc",
    output:
        f"{RESULTS}/rate_maps/{{cohort}}.nc",
    log:
        f"{LOGS}/rate_maps/{{cohort}}.log",
    benchmark:
        f"{LOGS}/rate_maps/{{cohort}}.tsv"
    priority: 20
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=megabytes_of_maps,
        runtime=limit("rate_maps", hours_of_scoring),
    params:
        run=lambda wildcards: {
            "bin_size": config["rate_maps"]["bin_size"],
            "networks": [network.id for network in cohorts[wildcards.cohort].networks],
            "trained_by": code_of_cohort("training", wildcards.cohort),
            "code": code_of_cohort("rate_maps", wildcards.cohort),
        },
    message:
        "Rate maps of {wildcards.cohort}"
    script:
        "../scripts/rate_maps.py"
