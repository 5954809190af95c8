"""Test the claims and write them down."""

from pathlib import Path

from nofreelunch import claims, datasets, logs

if __name__ == "__main__":
    with logs.job(snakemake.log[0], snakemake.input):
        summary = datasets.load(snakemake.input.summary, "summary")
        theory = [datasets.load(path, "theory") for path in snakemake.input.theory]
        text = claims.to_markdown(claims.evaluate(summary, theory), summary)
        Path(snakemake.output[0]).write_text(text, encoding="utf-8")
