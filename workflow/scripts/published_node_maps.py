"""Measure what the networks of a job predict on graphs, and maps over the nodes of these."""

import importlib

from nofreelunch.files import datasets
from nofreelunch.networks.cohorts import Cohort
from nofreelunch.running import logs

if __name__ == "__main__":
    run = snakemake.params.run
    with logs.job(snakemake.log[0], snakemake.input):
        cohort = Cohort.from_dict({"name": snakemake.wildcards.job, "networks": run["networks"]})
        trained = datasets.load(snakemake.input[0], "training")
        datasets.expect(trained, [n.id for n in cohort.networks], run["trained_by"])
        name = cohort.networks[0].spec["kind"]
        kind = importlib.import_module(f"nofreelunch.evaluation.published.{name}")
        measured = kind.measure(trained, run["seed"])
        datasets.save(measured, snakemake.output[0], "node_maps", run["code"])
