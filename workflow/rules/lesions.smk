"""Lesions of the reference networks: one job, because they are few and each takes seconds."""


rule lesions:
    input:
        networks=expand(files_of("training"), cohort=plan.reference),
        scores=expand(files_of("scores"), cohort=plan.reference),
        evaluation=f"{RESULTS}/trajectories/evaluation.nc",
    output:
        files_of("lesions"),
    log:
        f"{LOGS}/lesions.log",
    priority: 30
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2 * PROCESS),
        runtime=limit("lesions"),
    params:
        run=lambda wildcards: {
            "horizon": config["thresholds"]["position_error_horizon"],
            "reference": [network for of in plan.reference.values() for network in of],
            "cohorts": {cohort: ids_of(cohort) for cohort in plan.reference},
            "trained_by": {
                cohort: code_of_cohorts("training", cohort) for cohort in plan.reference
            },
            "scored_by": code("scores"),
            "code": code_of_cohorts("lesions", *plan.reference),
        },
    message:
        "Silencing units of the reference networks"
    script:
        "../scripts/lesions.py"
