"""Measure the rate maps and errors of a job of a published model, or factorise its targets."""

from nofreelunch.evaluation import factorised_maps, measure_published
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
            walks, longer = (
                datasets.load(snakemake.input[name], "trajectories") for name in ("walks", "longer")
            )
            maps = measure_published.measure_published(trained, walks, longer, *run["bin_sizes"])
        else:
            specs = {network.id: network.spec for network in cohort.networks}
            maps = factorised_maps.factorised_maps(specs, *run["bin_sizes"])
        datasets.save(maps, snakemake.output[0], "rate_maps", run["code"])
