"""The artefacts of the original, each shown by a computation."""


rule corrections:
    output:
        report(
            f"{RESULTS}/corrections.html",
            caption="../report/corrections.rst",
            category="Corrections",
            labels={"what": "corrections"},
        ),
    log:
        f"{LOGS}/corrections.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(PROCESS),
        runtime=limit("corrections"),
    params:
        run=lambda wildcards: {"sheet": sheet(), "code": code("corrections")},
    message:
        "Writing the corrections"
    script:
        "../scripts/corrections.py"
