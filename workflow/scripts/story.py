"""Write the story of the study: one page for a reader who has not read the paper."""

from pathlib import Path

from nofreelunch.files import datasets
from nofreelunch.findings import html_pages, summary
from nofreelunch.findings.claims import page
from nofreelunch.findings.corrections import sheet
from nofreelunch.running import captions, logs
from nofreelunch.story import sections, story_page
from nofreelunch.theory.spectra import open_spectra

TEXTS = Path(sections.__file__).parents[2] / "report"

if __name__ == "__main__":
    with logs.job(snakemake.log[0], snakemake.input):
        table = summary.open_summary(snakemake.input.summary, snakemake.input.units)
        theory = open_spectra(snakemake.input.theory, snakemake.input.patterns)
        drawings = zip(snakemake.input.vectors, snakemake.input.pixels, strict=True)
        images = {Path(svg).stem: html_pages.embedded(svg, png) for svg, png in drawings}
        texts = captions.read_captions(TEXTS / "figures.rst", images, snakemake.config)
        story = sections.tell(page.evaluate(table, theory), table)
        corrections = sheet.read(TEXTS / "corrections.json")
        html = story_page.render(story, images, texts, corrections)
        datasets.write_text(snakemake.output[0], html)
