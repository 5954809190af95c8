"""Draw one figure."""

import importlib
from pathlib import Path

from nofreelunch import datasets, logs
from nofreelunch.figures import style

if __name__ == "__main__":
    with logs.job(snakemake.log[0], snakemake.input):
        figure = importlib.import_module(f"nofreelunch.figures.{snakemake.wildcards.figure}")
        cohorts = {Path(path).stem: path for path in snakemake.input.cohorts}
        stage = "training" if snakemake.wildcards.figure == "learning_curves" else "rate_maps"
        drawn = figure.draw(
            datasets.load(snakemake.input.summary, "summary"),
            [datasets.load(path, "theory") for path in snakemake.input.theory],
            lambda cohort: datasets.load(cohorts[cohort], stage),
        )
        style.save(drawn, Path(snakemake.output.png).with_suffix(""))
