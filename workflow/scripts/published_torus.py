"""Look for a torus in the activity of the networks of a job of a published model."""

from nofreelunch.files import datasets
from nofreelunch.running import logs
from nofreelunch.scoring import torus

if __name__ == "__main__":
    with logs.job(snakemake.log[0], snakemake.input):
        maps = datasets.load(snakemake.input.rate_maps, "rate_maps")
        scores = datasets.load(snakemake.input.scores, "scores")
        found = torus.tori(maps, scores)
        datasets.save(found, snakemake.output[0], "torus", snakemake.params.run["code"])
