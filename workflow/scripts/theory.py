"""Compute the spectra of one encoding's targets, and the periods that they predict."""

from nofreelunch.files import datasets
from nofreelunch.running import logs
from nofreelunch.task import targets
from nofreelunch.theory import spectra

PLACE_CELL_SEED = 0  # the spectrum hardly depends on where the place cells fall

if __name__ == "__main__":
    run = snakemake.params.run
    with logs.job(snakemake.log[0]):
        built = [
            targets.build_target(spec, PLACE_CELL_SEED, run["arena"]) for spec in run["targets"]
        ]
        found = spectra.spectra(built).assign_attrs(place_cell_seed=PLACE_CELL_SEED)
        datasets.save(found, snakemake.output[0], "theory", run["code"])
