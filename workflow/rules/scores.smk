rule scores:
    input:
        f"{RESULTS}/rate_maps/{{cohort}}.nc",
    output:
        f"{RESULTS}/scores/{{cohort}}.nc",
    log:
        f"{LOGS}/scores/{{cohort}}.log",
    benchmark:
        f"{LOGS}/scores/{{cohort}}.tsv"
    params:
        run={"surrogates": config["scores"]["surrogates"], "code": code("scores")},
    threads: 1
    priority: 30
    resources:
        mem_mb=2000,
    message:
        "Grid scores of {wildcards.cohort}"
    script:
        "../scripts/scores.py"
