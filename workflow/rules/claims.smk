rule claims:
    input:
        summary=f"{RESULTS}/summary.nc",
        units=f"{RESULTS}/units.nc",
        theory=of_all_encodings(),
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
        run=lambda wildcards: {"code": code("claims")},
    message:
        "Testing the claims"
    script:
        "../scripts/claims.py"
