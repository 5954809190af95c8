"""Draw one figure."""

import importlib
from pathlib import Path

from nofreelunch.figures import style
from nofreelunch.figures.contents import FIGURES
from nofreelunch.files import datasets
from nofreelunch.findings import summary
from nofreelunch.running import logs
from nofreelunch.theory.spectra import split_spectra

if __name__ == "__main__":
    with logs.job(snakemake.log[0], snakemake.input):
        figure = importlib.import_module(f"nofreelunch.figures.{snakemake.wildcards.figure}")
        cohorts = {Path(path).stem: path for path in snakemake.input.cohorts}

        def opened(cohort):
            return datasets.load(cohorts[cohort], FIGURES[snakemake.wildcards.figure])

        files = [datasets.load(path, "theory") for path in snakemake.input.theory]
        theory = [one for file in files for one in split_spectra(file)]
        networks = datasets.load(snakemake.input.summary, "summary")
        table = summary.join_units(networks, datasets.load(snakemake.input.units, "units"))
        drawn = figure.draw(table, theory, opened)
        style.save_figure(drawn, Path(snakemake.output.png).with_suffix(""))
