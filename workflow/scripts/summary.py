"""Collect all networks and units of the study in one table."""

from nofreelunch.files import datasets
from nofreelunch.findings import network_index, summary
from nofreelunch.running import logs

if __name__ == "__main__":
    run = snakemake.params.run
    with logs.job(snakemake.log[0], snakemake.input):
        stages = zip(
            snakemake.input.networks, snakemake.input.rate_maps, snakemake.input.scores, strict=True
        )
        table = summary.collect(stages, snakemake.input.lesions, run)
        networks, units = summary.split_units(table)
        datasets.save(networks, snakemake.output.networks, "summary", run["code"])
        datasets.save(units, snakemake.output.units, "units", run["code"])
        datasets.write_text(
            snakemake.output.index, network_index.index_table(table).to_csv(index=False)
        )
        datasets.write_text(
            snakemake.output.table, summary.network_table(table).to_csv(index=False)
        )
