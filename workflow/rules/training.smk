rule training:
    input:
        trajectories=training_pool,
    output:
        f"{RESULTS}/networks/{{cohort}}.nc",
    log:
        f"{LOGS}/training/{{cohort}}.log",
    benchmark:
        f"{LOGS}/training/{{cohort}}.tsv"
    priority: 10
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        **gpu_of_this_machine(),
        mem_mb=megabytes_of_training,
        runtime=limit("training", hours_of_training),
    params:
        run=lambda wildcards: {
            "cohort": cohorts[wildcards.cohort].as_dict(),
            "precision": config["compute"]["precision"],
            "code": code_of_cohort("training", wildcards.cohort),
        },
    message:
        "Training {wildcards.cohort}"
    script:
        "../scripts/training.py"
