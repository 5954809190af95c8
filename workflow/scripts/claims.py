"""Test the claims and write their page, in Markdown and HTML."""

import markdown
from nofreelunch.files import datasets
from nofreelunch.findings import summary
from nofreelunch.findings.claims import page
from nofreelunch.running import logs
from nofreelunch.theory.spectra import open_spectra

PAGE = """<!doctype html><meta charset="utf-8"><title>Claims</title><style>
body {{ font: 15px/1.5 sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em }}
td, th {{ border-bottom: 1px solid #ccc; padding: .4em .8em; text-align: left }}
td {{ vertical-align: top }}
table {{ border-collapse: collapse }}
</style>{}"""

if __name__ == "__main__":
    with logs.job(snakemake.log[0], snakemake.input):
        table = summary.open_summary(snakemake.input.summary, snakemake.input.units)
        theory = open_spectra(snakemake.input.theory)
        text = page.to_markdown(page.evaluate(table, theory), table)
        html = PAGE.format(markdown.markdown(text, extensions=["tables", "sane_lists"]))
        datasets.write_text(snakemake.output.text, text)
        datasets.write_text(snakemake.output.page, html)
