"""Draw one figure."""

import importlib
from pathlib import Path

from nofreelunch import datasets, logs, summary, theory
from nofreelunch.figures import style

if __name__ == "__main__":
    with logs.job(snakemake.log[0], snakemake.input):
        figure = importlib.import_module(f"nofreelunch.figures.{snakemake.wildcards.figure}")
        cohorts = {Path(path).stem: Path(path) for path in snakemake.input.cohorts}

        def opened(cohort):
            folder = cohorts[cohort].parent.name
            return datasets.load(cohorts[cohort], "training" if folder == "networks" else folder)

        files = [datasets.load(path, "theory") for path in snakemake.input.theory]
        spectra = [one for file in files for one in theory.split(file)]
        networks = datasets.load(snakemake.input.summary, "summary")
        table = summary.join(networks, datasets.load(snakemake.input.units, "units"))
        drawn = figure.draw(table, spectra, opened)
        style.save(drawn, Path(snakemake.output.png).with_suffix(""))
