"""Write the sheet of corrections as a page of the report."""

from pathlib import Path

from nofreelunch.files import datasets
from nofreelunch.findings import html_pages
from nofreelunch.findings.corrections import sheet
from nofreelunch.running import logs

SHEET = Path(html_pages.__file__).parents[2] / "report" / "corrections.json"
PAGE = """# Corrections

Artefacts of the two talks, or of the program behind them. Each is shown by a small computation that
needs no trained network, and that is the same in every study.

{intervals}

{corrections}"""

if __name__ == "__main__":
    with logs.job(snakemake.log[0], snakemake.input):
        folder = SHEET.parent
        drawn = {name: folder / f"corrections_{name}.svg" for name in sheet.PICTURES}
        pictures = {name: html_pages.embedded(svg, svg) for name, svg in drawn.items()}
        shown = sheet.to_markdown(sheet.read(SHEET), pictures)
        text = PAGE.format(intervals=sheet.INTERVALS, corrections=shown)
        datasets.write_text(snakemake.output[0], html_pages.plain_page("Corrections", text))
