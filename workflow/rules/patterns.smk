"""Maps that grow from the targets alone: one job for all, because a target takes seconds."""


rule patterns:
    input:
        all_of("theory"),
    output:
        files_of("patterns"),
    log:
        f"{LOGS}/patterns.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(PROCESS),
        runtime=limit("patterns"),
    params:
        run=lambda wildcards: {"code": code("patterns")},
    message:
        "Growing patterns from the targets"
    script:
        "../scripts/patterns.py"
