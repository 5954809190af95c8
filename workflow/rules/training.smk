def training_pool(wildcards):
    length = cohorts[wildcards.cohort].networks[0]["sequence_length"]
    return f"{RESULTS}/trajectories/training_{length}.nc"


rule training:
    input:
        trajectories=training_pool,
    output:
        f"{RESULTS}/networks/{{cohort}}.nc",
    log:
        f"{LOGS}/training/{{cohort}}.log",
    benchmark:
        f"{LOGS}/training/{{cohort}}.tsv"
    params:
        run=lambda wildcards: {
            "cohort": cohorts[wildcards.cohort].as_dict(),
            "code": code("training"),
        },
    threads: 1
    priority: 10
    resources:
        mem_mb=2000,
    message:
        "Training {wildcards.cohort}"
    script:
        "../scripts/training.py"
