"""Spectra of the targets of one encoding and the periods they predict."""

from nofreelunch import datasets, logs, targets, theory

PLACE_CELL_SEED = 0  # the spectrum hardly depends on where the place cells fall

if __name__ == "__main__":
    run = snakemake.params.run
    with logs.job(snakemake.log[0]):
        built = [targets.build(spec, PLACE_CELL_SEED, run["arena"]) for spec in run["targets"]]
        found = theory.spectra(built).assign_attrs(place_cell_seed=PLACE_CELL_SEED)
        datasets.save(found, snakemake.output[0], "theory", run["code"])
