"""A finished study in a copy of the repository, made once for all tests of the workflow."""

import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import hypothesis
import pytest
from nofreelunch.figures.contents import FIGURES

ROOT = Path(__file__).parents[1]
PARTS = ("Snakefile", "config.yaml", "workflow", "profiles", "envs")
STUDY = "whole.yaml"
DRAWN = ("overview", "result_3", "chance", "learning_curves")  # one for each kind of input
# Processes share the tests file by file. Files of minutes come first, the one that mostly waits
# before all others.
LONG = ("test_through_slurm", "test_workflow", "test_stop", "test_conventions", "test_extending")

# On a busy machine an example may take any time.
hypothesis.settings.register_profile(
    "busy", deadline=None, max_examples=50, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy")


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
        # The profiles let Snakemake's last lines come five seconds late, many times over here.
        soon = "--max-jobs-per-timespan", "500/1s", "--config", f"study={study}"
        command = [sys.executable, "-m", "snakemake", *arguments, *soon]
        if shutil.which("setpriv"):  # it ends with the tests, even where these are killed
            command = ["setpriv", "--pdeathsig", "TERM", *command]
        clean = {k: v for k, v in self.environment.items() if k != "PYTHONPATH"}
        clean |= self.settings
        if self.settings:
            clean["TMPDIR"] = str(self.folder.parent / "a folder")
            Path(clean["TMPDIR"]).mkdir(exist_ok=True)
        said = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        # Tests that run in the background of a shell ignore Ctrl-C, and so would what they start.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return subprocess.Popen(
                command, cwd=self.folder, text=True, env=clean, **said, start_new_session=group
            )
        finally:
            signal.signal(signal.SIGINT, before)

    def snakemake(self, *arguments: str, study: str = STUDY) -> subprocess.CompletedProcess:
        """Start Snakemake and wait for its end."""
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


def jobs_of(said: str) -> dict[str, int]:
    """Rule -> number of its jobs, from what a dry run says."""
    lines = said.splitlines()
    if "Job stats:" not in lines:
        return {}
    table = lines[lines.index("Job stats:") + 3 :]
    rows = [line.split() for line in table[: table.index("")]]
    return {rule: int(count) for rule, count in rows if rule not in ("total", "all")}


@pytest.fixture(autouse=True, scope="module")
def denormals():
    """Training flushes tiny numbers to zero in its process; hypothesis refuses to work so."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


@pytest.fixture(autouse=True)
def logging_as_before():
    """A program that a test runs in this process sets what is logged: the next test starts anew."""
    loggers = [logging.getLogger(name) for name in (None, "nofreelunch", "fontTools")]
    before = [(logger.level, logger.handlers[:]) for logger in loggers]
    raised = logging.raiseExceptions
    yield
    logging.captureWarnings(False)
    logging.raiseExceptions = raised
    for logger, (level, handlers) in zip(loggers, before, strict=True):
        for handler in set(logger.handlers) - set(handlers):
            handler.close()
        logger.setLevel(level)
        logger.handlers = handlers


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where processes share the tests, those that take minutes come first."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        rank = {name: place for place, name in enumerate(LONG)}
        items.sort(key=lambda item: rank.get(item.path.stem, len(LONG)))


def copy_checkout(folder: Path) -> Checkout:
    """A copy of what a user clones, without results."""
    folder.mkdir()
    for part in PARTS:
        source = ROOT / part
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, folder / part)
    return Checkout(folder)


def keep_figures(checkout: Checkout, *names: str) -> None:
    """Leave these figures alone in the report of a checkout: each is a job of many seconds."""
    kept = {name: FIGURES[name] for name in names}
    checkout.path("workflow/nofreelunch/figures/contents.py").write_text(f"FIGURES = {kept}\n")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout whose study has run to its report."""
    checkout = copy_checkout(tmp_path_factory.mktemp("study") / "checkout")
    shutil.copy2(ROOT / "tests" / "studies" / STUDY, checkout.folder)
    keep_figures(checkout, *DRAWN)
    done = checkout.snakemake("--cores", "2")
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return checkout
