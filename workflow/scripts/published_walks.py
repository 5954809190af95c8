"""Walk a pool of trajectories for published models, in the box or with still periods."""

from nofreelunch.files import datasets
from nofreelunch.running import logs
from nofreelunch.task import still_walks, trajectories

if __name__ == "__main__":
    run = dict(snakemake.params.run)
    code = run.pop("code")
    with logs.job(snakemake.log[0], snakemake.input):
        walk = still_walks.still_walk if "shape" in run else trajectories.random_walk
        datasets.save(walk(**run), snakemake.output[0], "trajectories", code)
