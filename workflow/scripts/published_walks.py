"""Walk a pool of trajectories for a published model: in the box, to a zone, or with stillness."""

from nofreelunch.files import datasets
from nofreelunch.running import logs
from nofreelunch.task import reward_walks, still_walks, trajectories

if __name__ == "__main__":
    run = dict(snakemake.params.run)
    code = run.pop("code")
    with logs.job(snakemake.log[0], snakemake.input):
        kinds = {"shape": still_walks.still_walk, "to_zone": reward_walks.reward_walk}
        walk = next((kinds[key] for key in kinds if key in run), trajectories.random_walk)
        datasets.save(walk(**run), snakemake.output[0], "trajectories", code)
