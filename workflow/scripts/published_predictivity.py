"""Measure how well the networks of a published model predict populations of cells."""

from nofreelunch.evaluation import measure_predictivity
from nofreelunch.files import datasets
from nofreelunch.running import logs

if __name__ == "__main__":
    run = snakemake.params.run
    with logs.job(snakemake.log[0], snakemake.input.rate_maps):
        maps = [datasets.load(path, "rate_maps") for path in snakemake.input.rate_maps]
        found = measure_predictivity.measure_predictivity(maps, run["settings"])
        datasets.save(found, snakemake.output[0], "predictivity", run["code"])
