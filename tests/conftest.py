"""What all tests share: a clean process for each, and one finished study."""

import logging
import os
import shutil
import sys

import hypothesis
import pytest
from checkouts import DRAWN, ROOT, STUDY, Checkout, copy_checkout, shorten

# Processes share the tests file by file. Files of minutes come first, the one that mostly waits
# before all others.
LONG = (
    *("test_through_slurm", "test_workflow", "test_published_study", "test_stop"),
    *("test_fresh_checkout", "test_conventions", "test_extending", "test_published_figures"),
)

# On a busy machine an example may take any time.
hypothesis.settings.register_profile(
    "busy", deadline=None, max_examples=50, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy")


def pytest_configure() -> None:
    """One thread in each process: threads that share small products mostly wait for each other."""
    os.environ["OMP_NUM_THREADS"] = "1"


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


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout whose study has run to its report."""
    checkout = copy_checkout(tmp_path_factory.mktemp("study") / "checkout")
    shutil.copy2(ROOT / "tests" / "studies" / STUDY, checkout.folder)
    shorten(checkout, *DRAWN)
    done = checkout.snakemake("--cores", "2")
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return checkout
