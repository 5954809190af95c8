"""Summarise the networks of a published model."""

from nofreelunch.files import datasets
from nofreelunch.findings.published import model_measures
from nofreelunch.running import logs

if __name__ == "__main__":
    run = snakemake.params.run
    with logs.job(snakemake.log[0], snakemake.input):
        maps = [datasets.load(path, "rate_maps") for path in snakemake.input.rate_maps]
        scores = [datasets.load(path, "scores") for path in snakemake.input.scores]
        table = model_measures.summarise(maps, scores, run["about"], run["threshold"])
        if snakemake.input.get("predictivity"):
            predicted = datasets.load(snakemake.input.predictivity, "predictivity")
            table = table.merge(predicted.drop_attrs(deep=False))
        datasets.save(table, snakemake.output[0], "published", run["code"])
