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
    params:
        run={"bin_size": config["rate_maps"]["bin_size"], "code": code("rate_maps")},
    threads: 1
    priority: 20
    resources:
        mem_mb=2000,
    message:
        "Rate maps of {wildcards.cohort}"
    script:
        "../scripts/rate_maps.py"
