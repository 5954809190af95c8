"""Fixtures for the tests of the page: a small study, made once, and a browser to look at it."""

from pathlib import Path

import browser
import pytest
import small_study
from nofreelunch.explorer import assembling, study_data
from nofreelunch.files import datasets
from page_views import OVERVIEW


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the results of a small study, whose path has spaces and accents."""
    folder = tmp_path_factory.mktemp("study") / "un été à deux"
    folder.mkdir()
    return small_study.make(folder)


@pytest.fixture(scope="session")
def tab(tmp_path_factory):
    """A browser; tests that need one are skipped where there is none."""
    if browser.program() is None:
        pytest.skip(f"no browser here: {', '.join(browser.PROGRAMS)}")
    opened = browser.Browser(tmp_path_factory.mktemp("browser"))
    opened.resize(1440, 1000)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def study(results):
    """Data of the small study, and the address of its page, which has spaces and accents."""
    data, blocks = study_data.collect_results(results)
    path = results / "explorer.html"
    datasets.write_text(path, assembling.to_html(data, blocks))
    return data, path.as_uri()


@pytest.fixture
def page(tab, study):
    """The page, opened anew. At its end nothing has gone wrong and nothing was asked for."""
    tab.open(study[1], OVERVIEW)
    yield tab
    assert tab.problems == [] and tab.requests == []
