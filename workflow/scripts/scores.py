"""Grid scores, lattices and chance levels of all units of a cohort."""

from nofreelunch import datasets, logs, scores

if __name__ == "__main__":
    run = snakemake.params.run
    with logs.job(snakemake.log[0], snakemake.input):
        maps = datasets.load(snakemake.input[0], "rate_maps")
        datasets.expect(maps, run["networks"], run["mapped_by"])
        measured = scores.measure(maps, run["surrogates"])
        datasets.save(measured, snakemake.output[0], "scores", run["code"])
