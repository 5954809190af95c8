rule theory:
    output:
        f"{RESULTS}/theory/{{target}}.nc",
    log:
        f"{LOGS}/theory/{{target}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(PROCESS),
        runtime=minutes_of_a_short_job,
    params:
        run=lambda wildcards: {
            "target": targets[wildcards.target],
            "arena": study.trajectories["arena"],
            "code": code("theory", target=targets[wildcards.target]["target"]),
        },
    message:
        "Spectrum of {wildcards.target}"
    script:
        "../scripts/theory.py"
