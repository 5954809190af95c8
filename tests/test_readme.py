"""The README is short, and what the pages say can be followed: examples, links, paths, commands."""

import re
from pathlib import Path

import nofreelunch
import pytest
import synthetic_summary
import yaml
from nofreelunch.study import sweeps

ROOT = Path(__file__).parents[1]
# Paths of modules are given from the root, from workflow/ or from the package.
BASES = [ROOT, ROOT / "workflow", ROOT / "workflow" / "nofreelunch"]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "benchmarks" / "README.md",
    ROOT / "results" / "README.md",
]
STORY = "workflow/nofreelunch/story/story_page.html"
COMMANDS = re.compile(r"^make ([a-z]+)|`make ([a-z]+)", re.MULTILINE)
PATHS = re.compile(r"`([\w.-]+(?:/[\w.-]+)+\.(?:c|cff|md|py|rst|smk|toml|txt|yaml|yml))`")


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_readme_is_read_in_three_minutes():
    assert len(read("README.md").splitlines()) <= 130


def test_numbers_that_pages_repeat_are_those_of_the_page_that_measured_them():
    low, high = re.search(
        r"of single kinds, ([\d.]+) to ([\d.]+) %", read("docs/validation.md")
    ).groups()
    for page in ("README.md", "docs/conditions.md", "workflow/report/figures.rst", STORY):
        assert f"{low} to {high} %" in read(page).replace("&nbsp;", " "), page
    measured = read("benchmarks/loss_steps.md").replace("-", "−")
    for row, page, words in (
        (
            "position error over 20 steps",
            "docs/differences.md",
            "{value} cm [{low}, {high}] larger",
        ),
        ("units above 0.8", "benchmarks/README.md", "+{value} points [{low}, +{high}]"),
        ("active units with p ≤ 0.05", "benchmarks/README.md", "+{value} [{low}, +{high}]"),
    ):
        found = re.search(rf"\| {row}.*\| \+(.*) \[\+?(.*), \+(.*)\] \|", measured).groups()
        said = words.format(**dict(zip(("value", "low", "high"), found, strict=True)))
        assert said in read(page), (page, said)
    results = read("docs/results.md")
    assert all(number in results for number in ("9.2 %", "[6.7, 11.8]", "t most 11.3 %"))
    assert all(number in read("README.md") for number in ("9.2 %", "[6.7, 11.8]", "t most 11.3 %"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_paths_and_commands_of_a_page_exist(page):
    text = page.read_text(encoding="utf-8")
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    local = [link for link in links if link and "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []
    paths = [path for path in PATHS.findall(text) if not path.startswith("results/")]
    assert [path for path in paths if not any((base / path).exists() for base in BASES)] == []
    targets = {target for pair in COMMANDS.findall(text) for target in pair if target}
    makefile = read("Makefile")
    assert [t for t in targets if not re.search(rf"^{t}:", makefile, re.MULTILINE)] == []


def test_the_python_examples_run(tmp_path, monkeypatch, capsys):
    """In order and in one session, in a folder with results as a study leaves them."""
    summary = synthetic_summary.make()
    scores = tmp_path / "results" / "laptop" / "scores"
    scores.mkdir(parents=True)
    summary.to_netcdf(scores.parent / "summary.nc")
    for half, chosen in enumerate((slice(0, 3), slice(3, 5))):
        part = summary[["score_60", "period"]].isel(network=chosen)
        part.isel(unit=slice(0, 20 - 4 * half)).to_netcdf(scores / f"{half}.nc")
    monkeypatch.chdir(tmp_path)
    names = {}
    for example in re.findall(r"```python\n(.*?)```", read("docs/python.md"), re.DOTALL):
        exec(example, names)
    said = capsys.readouterr().out
    for printed in (
        "[1.44 0.  ]",
        "[0.6 nan]",
        "[ True False]",
        "(2, 87, 87)",
        "(10, 21, 256)",
        "The arena holds about 7 fields.",
        "bounded     0.90",
    ):
        assert f"{printed}\n" in said
    assert dict(names["scores_of_all"].sizes)["network"] == 5


def test_the_page_on_python_lists_every_name():
    table = read("docs/python.md").split("## All names")[1]
    listed = set(re.findall(r"`(\w+)`", table))
    assert listed == {name for name in dir(nofreelunch) if not name.startswith("_")}


def test_the_study_of_the_page_on_using_it_is_planned(tmp_path):
    study, *_ = re.findall(r"```yaml\n(.*?)```", read("docs/using.md"), re.DOTALL)
    (tmp_path / "mine.yaml").write_text(study)
    planned = sweeps.load_study(tmp_path / "mine.yaml")
    assert [len(members) for members in planned.sweeps.values()] == [6, 3]


def test_one_version():
    version = nofreelunch.__version__
    assert yaml.safe_load(read("CITATION.cff"))["version"] == version
    assert (
        re.search(r"^## \[(\d.*?)\] - \d{4}-\d\d-\d\d$", read("CHANGELOG.md"), re.M)[1] == version
    )
