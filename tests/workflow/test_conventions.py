"""What Snakemake users expect of a workflow: lint, modules, any working directory."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.workflow

ROOT = Path(__file__).parents[2]
MODULE = """
module nofreelunch:
    snakefile: "{snakefile}"
    config: {{"study": "smoke"}}

use rule * from nofreelunch as grid_*

rule mine:
    default_target: True
    input: rules.grid_summary.output
    output: "mine.txt"
    shell: "echo {{input}} > {{output}}"
"""


USING = ROOT / "docs" / "using.md"


def snakemake(*arguments, cwd=ROOT):
    command = [sys.executable, "-m", "snakemake", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout + done.stderr


def test_lint(tmp_path):
    said = snakemake("--snakefile", ROOT / "Snakefile", "--lint", cwd=tmp_path)
    assert "in a good condition" in said


def test_as_a_module_of_another_workflow_and_in_any_working_directory(tmp_path):
    (tmp_path / "Snakefile").write_text(MODULE.format(snakefile=ROOT / "Snakefile"))
    said = snakemake("--cores", "1", "--dry-run", "--directory", "elsewhere", cwd=tmp_path)
    assert re.search(r"grid_training +13\n", said) and re.search(r"mine +1\n", said)
    assert "what runs again: a fresh checkout or a touched script makes everything again" in said
    lines = re.search(r"give it\nthese lines.*?```yaml\n(.*?)```", USING.read_text(), re.S | re.I)
    profile = tmp_path / "profiles" / "default" / "config.yaml"
    profile.parent.mkdir(parents=True)
    profile.write_text(lines[1])
    said = snakemake("--cores", "1", "--dry-run", "--directory", "elsewhere", cwd=tmp_path)
    assert "what runs again" not in said


def test_the_paper_study_is_planned_and_its_size_is_said(tmp_path):
    where = ("--snakefile", ROOT / "Snakefile", "--config", "study=paper")
    said = snakemake(*where, "--dry-run", "--quiet", "all", cwd=tmp_path)
    line = next(line for line in said.splitlines() if line.startswith("paper:"))
    assert re.match(r"paper: 12,473 networks in \d{3} cohorts, \d+ % .* GPU-hours .* GB", line)
