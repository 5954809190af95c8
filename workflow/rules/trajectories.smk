rule training_trajectories:
    output:
        f"{RESULTS}/trajectories/training_{{length}}.nc",
    log:
        f"{LOGS}/trajectories/training_{{length}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(PROCESS),
        runtime=minutes_of_a_short_job,
    params:
        run=lambda wildcards: {
            **study.trajectories["training"],
            "arena": study.trajectories["arena"],
            "steps": int(wildcards.length),
            "code": code("trajectories"),
        },
    message:
        "Walking the training trajectories of {wildcards.length} steps"
    script:
        "../scripts/trajectories.py"


rule evaluation_trajectories:
    output:
        f"{RESULTS}/trajectories/evaluation.nc",
    log:
        f"{LOGS}/trajectories/evaluation.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(PROCESS),
        runtime=minutes_of_a_short_job,
    params:
        run={
            **study.trajectories["evaluation"],
            "arena": study.trajectories["arena"],
            "code": code("trajectories"),
        },
    message:
        "Walking the evaluation trajectories"
    script:
        "../scripts/trajectories.py"
