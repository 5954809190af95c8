"""Measure the rate maps and position errors of a trained cohort."""

from nofreelunch.evaluation import rate_maps
from nofreelunch.files import datasets
from nofreelunch.running import logs

if __name__ == "__main__":
    run = snakemake.params.run
    with logs.job(snakemake.log[0], snakemake.input):
        trained = datasets.load(snakemake.input.networks, "training")
        datasets.expect(trained, run["networks"], run["trained_by"])
        evaluation = datasets.load(snakemake.input.evaluation, "trajectories")
        maps = rate_maps.measure_rate_maps(trained, evaluation, run["bin_size"])
        datasets.save(maps, snakemake.output[0], "rate_maps", run["code"])
