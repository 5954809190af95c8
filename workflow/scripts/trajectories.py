"""Draw a pool of random walks."""

from nofreelunch.files import datasets
from nofreelunch.running import logs
from nofreelunch.task.trajectories import random_walk

if __name__ == "__main__":
    run = snakemake.params.run
    with logs.job(snakemake.log[0]):
        drawn = run["count"], run["steps"], run["seed"], run["arena"]
        pool = random_walk(*drawn, periodic=run["periodic"])
        pool.attrs["symmetries"] = int(run.get("symmetries", False))
        datasets.save(pool, snakemake.output[0], "trajectories", run["code"])
