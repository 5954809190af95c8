"""Maps that grow from the targets alone: one job for all, because a target takes seconds."""


rule patterns:
    input:
        all_of("theory"),
    output:
        files_of("patterns"),
    log:
        f"{LOGS}/patterns.log",
    priority: FIRST
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(PROCESS),
        runtime=limit("patterns", hours_of_patterns),
    params:
        run=lambda wildcards: {"code": code("patterns")},
    message:
        "Growing patterns from the targets"
    script:
        "../scripts/patterns.py"
