"""Training: one job per cohort."""


rule training:
    input:
        trajectories=training_pool,
    output:
        files_of("training"),
    log:
        f"{LOGS}/training/{{cohort}}.log",
    benchmark:
        f"{LOGS}/training/{{cohort}}.tsv"
    priority: long_first(hours_of_training)
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        **gpu_of_this_machine(),
        mem_mb=growing(training_megabytes),
        cohort_mb=lambda wildcards: requests.cohort_megabytes(cohorts[wildcards.cohort]),
        runtime=limit("training", hours_of_training),
    params:
        run=lambda wildcards: {
            "cohort": cohorts[wildcards.cohort].as_dict(),
            "precision": config["compute"]["precision"],
            "code": code_of_cohorts("training", wildcards.cohort),
        },
    message:
        "Training {wildcards.cohort}"
    script:
        "../scripts/training.py"
