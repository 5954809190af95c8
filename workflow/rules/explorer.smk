"""The explorer: every network and unit in one HTML file."""


rule explorer:
    input:
        networks=all_of("training"),
        rate_maps=all_of("rate_maps"),
        scores=all_of("scores"),
        summary=files_of("summary"),
        units=files_of("units"),
    output:
        f"{RESULTS}/explorer.html",
    log:
        f"{LOGS}/explorer.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2 * PROCESS),
        runtime=limit("explorer"),
    params:
        run=lambda wildcards: {"targets": as_params(), "code": code("explorer")},
    message:
        "Making the explorer"
    script:
        "../scripts/explorer.py"
