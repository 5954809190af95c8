"""Silence units of the reference networks, and measure what path integration loses."""

from nofreelunch.evaluation import lesions
from nofreelunch.files import datasets
from nofreelunch.running import logs

if __name__ == "__main__":
    run = snakemake.params.run
    with logs.job(snakemake.log[0], snakemake.input):
        evaluation = datasets.load(snakemake.input.evaluation, "trajectories")
        found = []
        files = zip(snakemake.input.networks, snakemake.input.scores, strict=True)
        for (cohort, networks), paths in zip(run["cohorts"].items(), files, strict=True):
            trained = datasets.load(paths[0], "training")
            datasets.expect(trained, networks, run["trained_by"][cohort])
            scored = datasets.load(paths[1], "scores")
            datasets.expect(scored, networks, run["scored_by"])
            found.append(lesions.measure_lesions(trained, scored, evaluation, run["horizon"]))
        measured = lesions.joined(found, run["reference"])
        datasets.save(measured, snakemake.output[0], "lesions", run["code"])
