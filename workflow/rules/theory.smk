"""Spectra of the targets and predicted periods: one job per encoding."""


rule theory:
    output:
        files_of("theory"),
    log:
        f"{LOGS}/theory/{{encoding}}.log",
    priority: FIRST
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(PROCESS),
        runtime=limit("theory"),
    params:
        run=lambda wildcards: {
            "targets": plan.targets[wildcards.encoding],
            "arena": plan.trajectories["arena"],
            "code": code("theory", target=frozenset([wildcards.encoding])),
        },
    message:
        "Spectra of {wildcards.encoding} targets"
    script:
        "../scripts/theory.py"
