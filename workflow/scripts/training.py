"""Train one cohort, from its last checkpoint if there is one."""

from nofreelunch.compute import kernels
from nofreelunch.files import datasets
from nofreelunch.networks.cohorts import Cohort
from nofreelunch.running import logs
from nofreelunch.training import checkpoints, loop

if __name__ == "__main__":
    run, compute = snakemake.params.run, snakemake.config["compute"]
    with logs.job(snakemake.log[0], snakemake.input):
        kernels.keep_memory()
        pool = datasets.load(snakemake.input.trajectories, "trajectories")
        minutes = compute["checkpoint_minutes"]
        saved = checkpoints.Checkpoints(snakemake.output[0], minutes, run["code"])
        trained = loop.train(
            Cohort.from_dict(run["cohort"]),
            pool,
            compute["device"],
            run["precision"],
            saved,
            expected_bytes=1e6 * snakemake.resources.cohort_mb,
        )
        datasets.save(trained, snakemake.output[0], "training", run["code"])
        saved.clear()
