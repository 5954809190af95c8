"""Spectrum of a target and the period it predicts."""

from nofreelunch import datasets, logs, targets, theory

PLACE_CELL_SEED = 0  # the spectrum hardly depends on where the place cells fall

if __name__ == "__main__":
    run = snakemake.params.run
    with logs.job(snakemake.log[0]):
        target = targets.build(run["target"], PLACE_CELL_SEED, run["arena"])
        found = theory.spectrum(target).assign_attrs(place_cell_seed=PLACE_CELL_SEED)
        datasets.save(found, snakemake.output[0], "theory", run["code"])
