"""Walk a pool of trajectories for published models, by the motion that their networks need."""

from nofreelunch.files import datasets
from nofreelunch.running import logs
from nofreelunch.task import foraging_walks, still_walks, trajectories

MOTIONS = {
    "box": trajectories.random_walk,
    "still": still_walks.still_walk,
    "foraging": foraging_walks.foraging_walk,
}

if __name__ == "__main__":
    run = dict(snakemake.params.run)
    code = run.pop("code")
    with logs.job(snakemake.log[0], snakemake.input):
        motion = run.pop("motion", "still" if "shape" in run else "box")
        datasets.save(MOTIONS[motion](**run), snakemake.output[0], "trajectories", code)
