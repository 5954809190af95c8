"""Test the sentences of the papers, and write the page of the published models."""

from pathlib import Path

from nofreelunch.files import datasets
from nofreelunch.findings import html_pages
from nofreelunch.findings.published import paper_claims, paper_page
from nofreelunch.running import logs

if __name__ == "__main__":
    with logs.job(snakemake.log[0], snakemake.input):
        summaries = {
            Path(path).parent.name: datasets.load(path, "published")
            for path in snakemake.input.summaries
        }
        found = paper_claims.evaluate(summaries)
        pairs = list(zip(snakemake.input.vectors, snakemake.input.figures, strict=True))
        beside = {Path(png).stem: f"figures/{Path(png).name}" for _, png in pairs}
        inside = {Path(png).stem: html_pages.embedded(svg, png) for svg, png in pairs}
        text = paper_page.to_markdown(found, summaries, beside)
        datasets.write_text(snakemake.output.text, text)
        shown = paper_page.to_markdown(found, summaries, inside)
        title = "The models that the talk cites"
        datasets.write_text(snakemake.output.page, html_pages.plain_page(title, shown))
