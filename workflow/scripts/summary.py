"""One table of all networks of the study."""

from nofreelunch import datasets, logs, summary

if __name__ == "__main__":
    run = snakemake.params.run
    with logs.job(snakemake.log[0], snakemake.input):
        stages = zip(
            snakemake.input.networks, snakemake.input.rate_maps, snakemake.input.scores, strict=True
        )
        table = summary.collect(stages, run)
        networks, units = summary.split(table)
        datasets.save(networks, snakemake.output.networks, "summary", run["code"])
        datasets.save(units, snakemake.output.units, "units", run["code"])
        datasets.write_text(snakemake.output.table, summary.to_table(table).to_csv(index=False))
