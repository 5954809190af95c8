rule rate_maps:
    input:
        networks=f"{RESULTS}/networks/{{cohort}}.nc",
        evaluation=f"{RESULTS}/trajectories/evaluation.nc",
    output:
        f"{RESULTS}/rate_maps/{{cohort}}.nc",
    log:
        f"{LOGS}/rate_maps/{{cohort}}.log",
    benchmark:
        f"{LOGS}/rate_maps/{{cohort}}.tsv"
    priority: 20
    threads: 1
    resources:
        mem_mb=2000,
    params:
        run={"bin_size": config["rate_maps"]["bin_size"], "code": code("rate_maps")},
    message:
        "Rate maps of {wildcards.cohort}"
    script:
        "../scripts/rate_maps.py"
