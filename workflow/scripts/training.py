"""Train a cohort."""

from nofreelunch import datasets, logs, training
from nofreelunch.cohorts import Cohort

if __name__ == "__main__":
    run = snakemake.params.run
    with logs.job(snakemake.log[0], snakemake.input):
        pool = datasets.load(snakemake.input.trajectories, "trajectories")
        device = snakemake.config["compute"]["device"]
        trained = training.train(Cohort.from_dict(run["cohort"]), pool, device)
        datasets.save(trained, snakemake.output[0], "training", run["code"])
