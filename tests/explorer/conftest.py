"""A small study, made once for all tests of its page."""

from pathlib import Path

import pytest
import small_study


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the results of a small study, whose path has spaces and accents."""
    folder = tmp_path_factory.mktemp("study") / "un été à deux"
    folder.mkdir()
    return small_study.make(folder)
