"""Measure the rate maps and errors of a job of a published model, or factorise its targets."""

from nofreelunch.evaluation import published_maps
from nofreelunch.files import datasets
from nofreelunch.networks.cohorts import Cohort
from nofreelunch.running import logs
from nofreelunch.theory import factorisation

if __name__ == "__main__":
    run = snakemake.params.run
    with logs.job(snakemake.log[0], snakemake.input):
        cohort = Cohort.from_dict({"name": snakemake.wildcards.job, "networks": run["networks"]})
        if snakemake.input:
            trained = datasets.load(snakemake.input.networks, "training")
            datasets.expect(trained, [n.id for n in cohort.networks], run["trained_by"])
            evaluation = datasets.load(snakemake.input.evaluation, "trajectories")
            maps = published_maps.measure_published(trained, evaluation, run["bin_size"])
        else:
            specs = {network.id: network.spec for network in cohort.networks}
            maps = factorisation.factorised_maps(specs, run["bin_size"])
        datasets.save(maps, snakemake.output[0], "rate_maps", run["code"])
