"""The report: figures, claims and provenance in one HTML file."""


rule report:
    input:
        rules.claims.output,
        rules.summary.output,
        rules.corrections.output,
        expand(f"{RESULTS}/figures/{{figure}}.png", figure=FIGURES),
        expand(f"{RESULTS}/figures/{{figure}}.pdf", figure=FIGURES),
    output:
        f"{RESULTS}/report.html",
    log:
        f"{LOGS}/report.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(PROCESS),
        runtime=limit("report"),
    params:
        run=lambda wildcards: {"captions": captions(), "code": code("report")},
    message:
        "Writing the report"
    script:
        "../scripts/report.py"
