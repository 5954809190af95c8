"""Random walks: pools to train on, and held-out walks to evaluate on."""


rule training_trajectories:
    output:
        f"{RESULTS}/trajectories/training_{{length}}.nc",
    log:
        f"{LOGS}/trajectories/training_{{length}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(PROCESS),
        runtime=limit("training_trajectories"),
    params:
        run=lambda wildcards: {
            **plan.trajectories["training"],
            "arena": plan.trajectories["arena"],
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
        runtime=limit("evaluation_trajectories"),
    params:
        run=lambda wildcards: {
            **plan.trajectories["evaluation"],
            "arena": plan.trajectories["arena"],
            "code": code("trajectories"),
        },
    message:
        "Walking the evaluation trajectories"
    script:
        "../scripts/trajectories.py"
