"""Draw one figure of the published models, and write what it shows as a table."""

import importlib
from pathlib import Path

from nofreelunch.figures import figure_data, style
from nofreelunch.files import datasets
from nofreelunch.running import logs

if __name__ == "__main__":
    with logs.job(snakemake.log[0], snakemake.input):
        name = snakemake.wildcards.figure
        figure = importlib.import_module(f"nofreelunch.figures.published.{name}")
        summaries = {
            Path(path).parent.name: datasets.load(path, "published")
            for path in snakemake.input.summaries
        }
        maps = {}
        for path in map(Path, snakemake.input.rate_maps):
            found = datasets.load(path, "rate_maps")["rate_map"]
            maps |= {
                str(network): found.sel(network=network) for network in found["network"].values
            }
        drawn = figure.draw(summaries, maps)
        style.save_figure(drawn, Path(snakemake.output.png).with_suffix(""))
        datasets.write_text(snakemake.output.csv, figure_data.to_csv(drawn))
