"""Collect figures, claims and provenance in one HTML file."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import nofreelunch
from nofreelunch.files import datasets

SNAKEFILE = Path(nofreelunch.__file__).parents[2] / "Snakefile"
# Snakemake draws a figure as wide as the page, however tall that makes it, and a menu as wide as
# its longest line.
LOOK = """<style>
img { width: auto; max-height: calc(100vh - 1.5rem); }
.h-screen table { max-width: 19rem; }
.h-screen td { white-space: normal; }
</style></head>"""

if __name__ == "__main__":
    # Snakemake writes a report in a run of its own, over files that are already there.
    with tempfile.TemporaryDirectory() as folder, open(snakemake.log[0], "w") as log:
        settings = Path(folder) / "config.json"
        settings.write_text(json.dumps(snakemake.config))
        command = [sys.executable, "-m", "snakemake", "--nolock", "--cores", "1"]
        command += [
            "--snakefile",
            str(SNAKEFILE),
            "--configfile",
            str(settings),
        ]
        command += ["--report", snakemake.output[0], "--", *snakemake.input]
        finished = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT)
    if finished.returncode:
        sys.exit(Path(snakemake.log[0]).read_text()[-2000:])
    page = Path(snakemake.output[0])
    text = page.read_text(encoding="utf-8")
    datasets.write_text(page, text.replace("</head>", LOOK, 1))
