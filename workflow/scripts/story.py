"""Write the story of the study: one page for a reader who has not read the paper."""

from pathlib import Path

from nofreelunch.files import datasets
from nofreelunch.findings import summary
from nofreelunch.findings.claims import page
from nofreelunch.running import logs
from nofreelunch.story import sections, story_page
from nofreelunch.theory.spectra import split_spectra

CAPTIONS = Path(sections.__file__).parents[2] / "report" / "figures.rst"

if __name__ == "__main__":
    with logs.job(snakemake.log[0], snakemake.input):
        networks = datasets.load(snakemake.input.summary, "summary")
        table = summary.join_units(networks, datasets.load(snakemake.input.units, "units"))
        files = [datasets.load(path, "theory") for path in snakemake.input.theory]
        theory = [one for file in files for one in split_spectra(file)]
        drawings = zip(snakemake.input.vectors, snakemake.input.pixels, strict=True)
        images = {Path(svg).stem: story_page.embedded(svg, png) for svg, png in drawings}
        captions = story_page.read_captions(CAPTIONS, images, snakemake.config)
        story = sections.tell(page.evaluate(table, theory), table, theory)
        text = story_page.render(story, images, captions)
        datasets.write_text(snakemake.output[0], text)
