"""Copies of the repository in which Snakemake runs, as a user would start it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from nofreelunch.figures.contents import FIGURES

ROOT = Path(__file__).parents[1]
PARTS = ("Snakefile", "config.yaml", "workflow", "profiles", "envs")
STUDY = "whole.yaml"
# One figure for each kind of input.
DRAWN = ("overview", "result_3", "chance", "learning_curves", "patterns")

# What shells, notebooks and clusters set for the programs that are started from them. No number and
# no figure may depend on it.
HOSTILE = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "MATPLOTLIBRC": str(Path(__file__).parent / "studies" / "hostile.matplotlibrc"),
    "DISPLAY": ":999",
    "OMP_NUM_THREADS": "7",
    "MKL_NUM_THREADS": "7",
    "LC_ALL": "C",
    "PYTHONSAFEPATH": "1",
    "PYTHONSTARTUP": "/nowhere/startup.py",
}


@dataclass
class Checkout:
    """A copy of the repository in which Snakemake runs."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    settings: Mapping[str, str] = field(default_factory=lambda: HOSTILE)

    def start(self, *arguments: str, study: str = STUDY, group: bool = False) -> subprocess.Popen:
        """Start Snakemake as a user would.

        With `group`, its process id is that of the group of all its jobs' processes, too.
        """
        given, clean = self._given(arguments, study)
        command = with_the_tests(sys.executable, "-m", "snakemake", *given)
        said = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        # Tests that run in the background of a shell ignore Ctrl-C, and so would what they start.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return subprocess.Popen(
                command, cwd=self.folder, text=True, env=clean, **said, start_new_session=group
            )
        finally:
            signal.signal(signal.SIGINT, before)

    def _given(self, arguments: tuple[str, ...], study: str) -> tuple[list[str], dict[str, str]]:
        """Arguments and environment of Snakemake."""
        # The profiles let Snakemake's last lines come five seconds late, many times over here.
        soon = "--max-jobs-per-timespan", "500/1s", "--config", f"study={study}"
        clean = {k: v for k, v in self.environment.items() if k != "PYTHONPATH"}
        clean |= self.settings
        if self.settings:
            clean["TMPDIR"] = str(self.folder.parent / "a folder")
            Path(clean["TMPDIR"]).mkdir(exist_ok=True)
        return [*arguments, *soon], clean

    def snakemake(self, *arguments: str, study: str = STUDY) -> subprocess.CompletedProcess:
        """Start Snakemake and wait for its end."""
        if "--dry-run" in arguments:
            return planner(self.folder, *self._given(arguments, study))
        process = self.start(*arguments, study=study)
        try:
            said = process.communicate()
        finally:
            process.kill()
        return subprocess.CompletedProcess(process.args, process.returncode, *said)

    def dry_run(self, *arguments: str) -> str:
        """What a dry run says."""
        done = self.snakemake("--dry-run", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def planned(self, *arguments: str) -> dict[str, int]:
        """What a dry run would do: rule -> number of jobs."""
        return jobs_of(self.dry_run(*arguments))

    def path(self, name: str) -> Path:
        return self.folder / name

    def results(self, name: str) -> Path:
        return self.folder / "results" / "whole" / name


def with_the_tests(*command: str) -> list[str]:
    """The command of a process that ends with the tests, even where these are killed."""
    return [*(("setpriv", "--pdeathsig", "TERM") if shutil.which("setpriv") else ()), *command]


@cache
def _imported() -> subprocess.Popen:
    """The process of `dry_runs`."""
    command = with_the_tests(sys.executable, "-P", str(ROOT / "tests" / "dry_runs.py"))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen(command, text=True, bufsize=1, **pipes)


def planner(
    folder: Path, arguments: list[str], environment: dict[str, str]
) -> subprocess.CompletedProcess:
    """Snakemake that plans and runs nothing, by `dry_runs`."""
    server = _imported()
    with tempfile.NamedTemporaryFile("r+") as output, tempfile.NamedTemporaryFile("r+") as errors:
        given = {"arguments": arguments, "environment": environment, "folder": str(folder)}
        given |= {"output": output.name, "errors": errors.name}
        server.stdin.write(json.dumps(given) + "\n")
        status = int(server.stdout.readline())
        return subprocess.CompletedProcess(arguments, status, output.read(), errors.read())


def jobs_of(said: str) -> dict[str, int]:
    """Rule -> number of its jobs, from what a dry run says."""
    lines = said.splitlines()
    if "Job stats:" not in lines:
        return {}
    table = lines[lines.index("Job stats:") + 3 :]
    rows = [line.split() for line in table[: table.index("")]]
    return {rule: int(count) for rule, count in rows if rule not in ("total", "all")}


def copy_checkout(folder: Path) -> Checkout:
    """A copy of what a user clones, without results."""
    folder.mkdir()
    for part in PARTS:
        source = ROOT / part
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, folder / part)
    return Checkout(folder)


def shorten(checkout: Checkout, *figures: str) -> None:
    """Leave out what takes long: all figures but these, and most of the growth of patterns."""
    kept = {name: FIGURES[name] for name in figures}
    checkout.path("workflow/nofreelunch/figures/contents.py").write_text(f"FIGURES = {kept}\n")
    patterns = checkout.path("workflow/nofreelunch/evaluation/patterns.py")
    text = patterns.read_text()
    assert "\nSTEPS = 2000 " in text
    patterns.write_text(text.replace("\nSTEPS = 2000 ", "\nSTEPS = 100 "))
