"""Walk a pool of trajectories for a published model: box, zone, still periods, or foraging."""

from nofreelunch.files import datasets
from nofreelunch.running import logs
from nofreelunch.task import foraging_walks, reward_walks, still_walks, trajectories

if __name__ == "__main__":
    run = dict(snakemake.params.run)
    code = run.pop("code")
    with logs.job(snakemake.log[0], snakemake.input):
        kinds = {
            "shape": still_walks.still_walk,
            "to_zone": reward_walks.reward_walk,
            "motion": foraging_walks.foraging_walk,
        }
        walk = next((kinds[key] for key in kinds if key in run), trajectories.random_walk)
        run.pop("motion", None)
        datasets.save(walk(**run), snakemake.output[0], "trajectories", code)
