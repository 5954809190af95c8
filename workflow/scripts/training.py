"""Train a cohort."""

from nofreelunch import checkpoints, datasets, kernels, logs, training
from nofreelunch.cohorts import Cohort

if __name__ == "__main__":
    run, compute = snakemake.params.run, snakemake.config["compute"]
    with logs.job(snakemake.log[0], snakemake.input):
        kernels.keep_memory()
        pool = datasets.load(snakemake.input.trajectories, "trajectories")
        saved = checkpoints.Checkpoints(
            snakemake.output[0], compute["checkpoint_minutes"], run["code"]
        )
        trained = training.train(
            Cohort.from_dict(run["cohort"]), pool, compute["device"], run["precision"], saved
        )
        datasets.save(trained, snakemake.output[0], "training", run["code"])
        saved.clear()
