"""Random walks: pools to train on, and held-out walks to evaluate on."""


rule training_trajectories:
    output:
        f"{RESULTS}/trajectories/training_{{length}}{{arena}}.nc",
    log:
        f"{LOGS}/trajectories/training_{{length}}{{arena}}.log",
    priority: FIRST
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(PROCESS),
        runtime=limit("training_trajectories"),
    params:
        run=lambda wildcards: {
            **plan.trajectories["training"],
            **space_of(wildcards.arena),
            "steps": int(wildcards.length),
            "code": code("trajectories"),
        },
    message:
        "Walking the training trajectories of {wildcards.length} steps"
    script:
        "../scripts/trajectories.py"


rule evaluation_trajectories:
    output:
        f"{RESULTS}/trajectories/evaluation{{arena}}.nc",
    log:
        f"{LOGS}/trajectories/evaluation{{arena}}.log",
    priority: FIRST
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(PROCESS),
        runtime=limit("evaluation_trajectories"),
    params:
        run=lambda wildcards: {
            **plan.trajectories["evaluation"],
            **space_of(wildcards.arena),
            "code": code("trajectories"),
        },
    message:
        "Walking the evaluation trajectories"
    script:
        "../scripts/trajectories.py"
