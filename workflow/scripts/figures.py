"""Draw one figure."""

import importlib
from pathlib import Path

from nofreelunch import datasets, logs
from nofreelunch.figures import style

if __name__ == "__main__":
    with logs.job(snakemake.log[0], snakemake.input):
        figure = importlib.import_module(f"nofreelunch.figures.{snakemake.wildcards.figure}")
        cohorts = {Path(path).stem: Path(path) for path in snakemake.input.cohorts}

        def opened(cohort):
            folder = cohorts[cohort].parent.name
            return datasets.load(cohorts[cohort], "training" if folder == "networks" else folder)

        drawn = figure.draw(
            datasets.load(snakemake.input.summary, "summary"),
            [datasets.load(path, "theory") for path in snakemake.input.theory],
            opened,
        )
        style.save(drawn, Path(snakemake.output.png).with_suffix(""))
