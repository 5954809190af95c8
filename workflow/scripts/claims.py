"""Test the claims and write their page, in Markdown and HTML."""

from nofreelunch.files import datasets
from nofreelunch.findings import html_pages, summary
from nofreelunch.findings.claims import page
from nofreelunch.running import logs
from nofreelunch.theory.spectra import open_spectra

if __name__ == "__main__":
    with logs.job(snakemake.log[0], snakemake.input):
        table = summary.open_summary(snakemake.input.summary, snakemake.input.units)
        theory = open_spectra(snakemake.input.theory, snakemake.input.patterns)
        text = page.to_markdown(page.evaluate(table, theory), table)
        datasets.write_text(snakemake.output.text, text)
        datasets.write_text(snakemake.output.page, html_pages.plain_page("Claims", text))
