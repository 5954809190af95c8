"""Score all units of a cohort, and compare them with chance."""

from nofreelunch.files import datasets
from nofreelunch.running import logs
from nofreelunch.scoring import unit_scores

if __name__ == "__main__":
    run = snakemake.params.run
    with logs.job(snakemake.log[0], snakemake.input):
        maps = datasets.load(snakemake.input[0], "rate_maps")
        datasets.expect(maps, run["networks"], run["mapped_by"])
        measured = unit_scores.score_units(maps, run["surrogates"], run["calibrated"])
        datasets.save(measured, snakemake.output[0], "scores", run["code"])
