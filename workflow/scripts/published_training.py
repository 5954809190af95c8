"""Train the networks of one job of a published model, from its last checkpoint if there is one."""

from nofreelunch.compute import kernels
from nofreelunch.files import datasets
from nofreelunch.networks.cohorts import Cohort
from nofreelunch.running import logs
from nofreelunch.training import checkpoints, train_published

if __name__ == "__main__":
    run, compute = snakemake.params.run, snakemake.config["compute"]
    with logs.job(snakemake.log[0], snakemake.input):
        kernels.keep_memory()
        walks = None  # some networks draw their own
        if snakemake.input.walks:
            walks = datasets.load(snakemake.input.walks, "trajectories")
        saved = checkpoints.Checkpoints(
            snakemake.output[0], compute["checkpoint_minutes"], run["code"]
        )
        cohort = Cohort.from_dict({"name": snakemake.wildcards.job, "networks": run["networks"]})
        trained = train_published.train_published(cohort, walks, compute["device"], saved)
        datasets.save(trained, snakemake.output[0], "training", run["code"])
        saved.clear()
