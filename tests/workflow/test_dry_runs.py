"""Dry runs by a process that has imported Snakemake say and return what Snakemake does."""

import os
from importlib.metadata import version

import pytest
from checkouts import planner

pytestmark = pytest.mark.workflow


def test_a_dry_run_returns_what_snakemake_returns(tmp_path):
    shown = planner(tmp_path, ["--version"], dict(os.environ))
    assert (shown.returncode, shown.stdout.strip()) == (0, version("snakemake"))
    refused = planner(tmp_path, ["--no-such-option"], dict(os.environ))
    assert refused.returncode == 2 and "--no-such-option" in refused.stderr


def test_a_dry_run_sees_its_own_folder_and_environment(tmp_path):
    (tmp_path / "Snakefile").write_text(
        'import os\n\nprint(os.getcwd(), os.environ["OF_THIS_RUN"], "PATH" in os.environ)\n'
    )
    done = planner(tmp_path, ["--dry-run", "--cores", "1"], {"OF_THIS_RUN": "yes"})
    assert f"{tmp_path} yes False" in done.stdout
    assert "OF_THIS_RUN" not in os.environ
