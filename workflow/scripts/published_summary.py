"""Summarise the networks of a published model."""

from pathlib import Path

from nofreelunch.files import datasets
from nofreelunch.findings.published import model_measures, tem_measures
from nofreelunch.running import logs

if __name__ == "__main__":
    run = snakemake.params.run
    with logs.job(snakemake.log[0], snakemake.input):
        tori = {Path(path).stem: datasets.load(path, "torus") for path in snakemake.input.tori}
        maps = []
        for path in snakemake.input.rate_maps:
            found = datasets.load(path, "rate_maps")
            job = Path(path).stem
            maps.append(found.merge(tori[job]) if job in tori else found)
        scores = [datasets.load(path, "scores") for path in snakemake.input.scores]
        on_graphs = [datasets.load(path, "node_maps") for path in snakemake.input.node_maps]
        if on_graphs:
            table = tem_measures.summarise(on_graphs, run["about"])
        else:
            table = model_measures.summarise(maps, scores, run["about"], run["threshold"])
        if snakemake.input.get("predictivity"):
            predicted = datasets.load(snakemake.input.predictivity, "predictivity")
            table = table.merge(predicted.drop_attrs(deep=False))
        datasets.save(table, snakemake.output[0], "published", run["code"])
