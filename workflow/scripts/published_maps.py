"""Measure the rate maps and errors of a job of a published model, or factorise its targets."""

from nofreelunch.evaluation import published
from nofreelunch.files import datasets
from nofreelunch.networks.cohorts import Cohort
from nofreelunch.running import logs

if __name__ == "__main__":
    run = snakemake.params.run
    with logs.job(snakemake.log[0], snakemake.input):
        cohort = Cohort.from_dict({"name": snakemake.wildcards.job, "networks": run["networks"]})
        if snakemake.input:
            trained = datasets.load(snakemake.input.networks, "training")
            datasets.expect(trained, [n.id for n in cohort.networks], run["trained_by"])
            evaluation = datasets.load(snakemake.input.evaluation, "trajectories")
            maps = published.measure_published(trained, evaluation, run["bin_size"])
        else:
            maps = published.maps_of_factorisations(cohort, run["bin_size"])
        datasets.save(maps, snakemake.output[0], "rate_maps", run["code"])
