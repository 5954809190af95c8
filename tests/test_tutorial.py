"""The tutorial runs as it stands, and what it stores is small and the same everywhere."""

import json
from pathlib import Path

import matplotlib
import pytest
from nofreelunch.task.target import REGISTRY

NOTEBOOK = Path(__file__).parents[1] / "docs" / "tutorial.ipynb"
CELLS = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
CODE = [cell for cell in CELLS if cell["cell_type"] == "code"]


def stored(word: str) -> str:
    """The stored output that has `word` in it."""
    texts = ["".join(o.get("text", [])) for cell in CODE for o in cell["outputs"]]
    [found] = [text for text in texts if word in text]
    return found


def test_every_cell_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict = {"__name__": "tutorial"}
    try:
        with matplotlib.rc_context({"backend": "agg"}):
            for cell in CODE:
                exec("".join(cell["source"]), names)
    finally:
        REGISTRY.pop("mexican_hat", None)  # other tests compare what is registered
    said = capsys.readouterr().out
    for word in ("(111, 512)", "period of", "0.62 m", "False"):
        assert stored(word) in said
    assert bool(names["found"]["lattice_expected"])
    assert (tmp_path / "tutorial.html").stat().st_size > 10_000


def test_what_it_stores_is_small_and_has_no_path():
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < 60_000
    assert all(cell["execution_count"] for cell in CODE)
    for word in ("/home", "/root", "/tmp", "Traceback", "Warning"):
        assert word not in text


@pytest.mark.parametrize("cell", CODE, ids=lambda cell: cell["id"])
def test_lines_fit_a_page(cell):
    assert max(len(line.rstrip("\n")) for line in cell["source"]) <= 100
