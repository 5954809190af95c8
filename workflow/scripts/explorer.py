"""Make the page of every network and unit of the study."""

from pathlib import Path

from nofreelunch.explorer import assembling, study_data
from nofreelunch.files import datasets
from nofreelunch.running import logs

if __name__ == "__main__":
    with logs.job(snakemake.log[0], snakemake.input):
        data, blocks = study_data.collect_results(Path(snakemake.output[0]).parent)
        datasets.write_text(snakemake.output[0], assembling.to_html(data, blocks))
