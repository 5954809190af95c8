"""Collect figures, claims and provenance in one HTML file."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import nofreelunch

SNAKEFILE = Path(nofreelunch.__file__).parents[2] / "Snakefile"

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
