"""The README's example runs and its commands exist."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_the_python_example_runs(capsys):
    example, _ = re.findall(r"```python\n(.*?)```", README, re.S)
    exec(example, {})
    score, period, p_value, last = capsys.readouterr().out.split("\n")[:4]
    assert float(score) > 1.2
    assert float(period) == pytest.approx(0.6, rel=0.01)
    assert float(p_value) < 0.05
    assert last.startswith("(10, 21, 256) 0.9")


def test_its_files_exist():
    root = Path(__file__).parents[1]
    for name in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (root / name).is_file()
    for target in re.findall(r"^make (\w+) ", README, re.M):
        assert re.search(rf"^{target}:", (root / "Makefile").read_text(), re.M)
