"""Grow maps from the covariance of the targets, and score them like the units of networks."""

from nofreelunch.evaluation import patterns
from nofreelunch.files import datasets
from nofreelunch.running import logs
from nofreelunch.theory.spectra import open_spectra

if __name__ == "__main__":
    run = snakemake.params.run
    with logs.job(snakemake.log[0], snakemake.input):
        grown = patterns.measure_patterns(open_spectra(snakemake.input))
        datasets.save(grown, snakemake.output[0], "patterns", run["code"])
