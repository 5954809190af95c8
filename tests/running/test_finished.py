"""Where `make` says the story is: read by the program that reads the settings."""

import sys
from pathlib import Path

import pytest
from nofreelunch.running import finished

STUDY = "sweeps: {one: {units: 8, place_cells: 16}}\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for place in (".", "a dir", "home"):
        Path(place).mkdir(exist_ok=True)
        (Path(place) / "mine.yaml").write_text(STUDY)
    return tmp_path


@pytest.mark.parametrize(
    "line",
    [
        "study: mine.yaml",
        'study: "mine.yaml"',
        "study : 'a dir/mine.yaml'  # ours",
        "study: ~/mine.yaml",
    ],
)
def test_the_study_of_the_settings(line, folder):
    Path("config.yaml").write_text(line + "\n")
    assert finished.story() == Path("results/mine/index.html")


@pytest.mark.parametrize("study", ["mine.yaml", "a dir/mine.yaml", "~/mine.yaml"])
def test_a_study_that_is_named(study, folder):
    assert finished.story(study) == Path("results/mine/index.html")


def test_a_story_that_was_not_made_is_an_error(folder, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["finished", "smoke"])
    with pytest.raises(SystemExit, match=r"^results/smoke/index\.html was not made$"):
        finished.announce()
    story = Path("results/smoke/index.html")
    story.parent.mkdir(parents=True)
    story.touch()
    finished.announce()
    assert capsys.readouterr().out == "Open in a browser: results/smoke/index.html\n"


def test_a_study_that_is_not_there_is_one_line(folder, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["finished", "other/mine.yaml"])
    expected = f"found 'other/mine.yaml', which is no file in {folder}; allowed: corrected, "
    with pytest.raises(SystemExit, match=expected) as ended:
        finished.announce()
    assert "\n" not in str(ended.value)
