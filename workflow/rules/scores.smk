rule scores:
    input:
        f"{RESULTS}/rate_maps/{{cohort}}.nc",
    output:
        f"{RESULTS}/scores/{{cohort}}.nc",
    log:
        f"{LOGS}/scores/{{cohort}}.log",
    benchmark:
        f"{LOGS}/scores/{{cohort}}.tsv"
    priority: 30
    threads: 1
    resources:
        mem_mb=2000,
    params:
        run={"surrogates": config["scores"]["surrogates"], "code": code("scores")},
    message:
        "Grid scores of {wildcards.cohort}"
    script:
        "../scripts/scores.py"
