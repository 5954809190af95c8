"""Draw one figure, and write what it shows as a table."""

import importlib
from pathlib import Path

from nofreelunch.figures import figure_data, style
from nofreelunch.figures.contents import FIGURES
from nofreelunch.files import datasets
from nofreelunch.findings import summary
from nofreelunch.running import logs
from nofreelunch.theory.spectra import open_spectra

if __name__ == "__main__":
    with logs.job(snakemake.log[0], snakemake.input):
        figure = importlib.import_module(f"nofreelunch.figures.{snakemake.wildcards.figure}")
        cohorts = {Path(path).stem: path for path in snakemake.input.cohorts}

        def opened(cohort):
            return datasets.load(cohorts[cohort], FIGURES[snakemake.wildcards.figure])

        theory = open_spectra(snakemake.input.theory)
        table = summary.open_summary(snakemake.input.summary, snakemake.input.units)
        drawn = figure.draw(table, theory, opened)
        style.save_figure(drawn, Path(snakemake.output.png).with_suffix(""))
        datasets.write_text(snakemake.output.csv, figure_data.to_csv(drawn))
