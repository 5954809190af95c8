"""The claims, tested."""


rule claims:
    input:
        summary=files_of("summary"),
        units=files_of("units"),
        theory=all_of("theory"),
        patterns=all_of("patterns"),
    output:
        text=f"{RESULTS}/claims.md",
        page=report(
            f"{RESULTS}/claims.html",
            caption="../report/claims.rst",
            category="Claims",
            labels={"what": "claims"},
        ),
    log:
        f"{LOGS}/claims.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(PROCESS),
        runtime=limit("claims"),
    params:
        run=lambda wildcards: {"targets": as_params(), "code": code("claims")},
    message:
        "Testing the claims"
    script:
        "../scripts/claims.py"
