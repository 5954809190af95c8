"""Rate maps and position errors: one job per cohort."""


rule rate_maps:
    input:
        networks=files_of("training"),
        evaluation=evaluation_pool,
    output:
        files_of("rate_maps"),
    log:
        f"{LOGS}/rate_maps/{{cohort}}.log",
    benchmark:
        f"{LOGS}/rate_maps/{{cohort}}.tsv"
    priority: 20
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(map_megabytes),
        runtime=limit("rate_maps", hours_of_scoring),
    params:
        run=lambda wildcards: {
            "bin_size": config["rate_maps"]["bin_size"],
            "networks": ids_of(wildcards.cohort),
            "trained_by": code_of_cohorts("training", wildcards.cohort),
            "code": code_of_cohorts("rate_maps", wildcards.cohort),
        },
    message:
        "Rate maps of {wildcards.cohort}"
    script:
        "../scripts/rate_maps.py"
