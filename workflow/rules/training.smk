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
    priority: 10
    threads: 1
    resources:
        mem_mb=2000,
    params:
        run=lambda wildcards: {
            "cohort": cohorts[wildcards.cohort].as_dict(),
            "code": code("training"),
        },
    message:
        "Training {wildcards.cohort}"
    script:
        "../scripts/training.py"
