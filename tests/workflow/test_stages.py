"""Which stages a change of the library makes again, by the fingerprints that their rules have."""

import os
import shutil

import pytest
from checkouts import ROOT
from nofreelunch.files import fingerprints

STAGES = [
    *("trajectories", "training", "rate_maps", "scores", "theory", "summary", "claims", "figures"),
    *("lesions", "patterns", "corrections", "story", "explorer"),
]
OF_SCORES = {"scores", "summary", "claims", "figures", "story", "explorer"}
# The claims and the story compute the spectra of two targets themselves.
OF_TARGETS = {"training", "rate_maps", "lesions", "theory", "claims", "story"}
LINE = "from __future__ import annotations\n"
ADDED = LINE, f"{LINE}\nADDED = 1\n"


@pytest.fixture(scope="module")
def workflow(tmp_path_factory):
    """A copy of the library and its scripts."""
    return shutil.copytree(ROOT / "workflow", tmp_path_factory.mktemp("stages") / "workflow")


@pytest.fixture
def codes(workflow, monkeypatch):
    """A function that gives the fingerprint of each stage's code."""
    monkeypatch.setattr(fingerprints, "PACKAGE", workflow / "nofreelunch")
    return lambda: {
        stage: fingerprints.fingerprint(workflow / "scripts" / f"{stage}.py") for stage in STAGES
    }


def rewrite(path, text):
    """Write `text` with a file time that differs for certain."""
    changed = path.stat().st_mtime_ns + 10**9
    path.write_text(text)
    os.utime(path, ns=(changed, changed))


@pytest.mark.parametrize(
    ("name", "old", "new", "stages"),
    [
        ("training/training_stack.py", "TRAJECTORIES = 20", "TRAJECTORIES = 30", {"training"}),
        ("training/minibatches.py", "BLOCK = 64", "BLOCK = 32", {"training"}),
        ("networks/recurrence.py", *ADDED, {"training", "rate_maps", "lesions"}),
        ("task/place_cells.py", "kernel = 0", "kernel = 1", OF_TARGETS),
        ("compute/kernels.c", "enum kind {", "enum kind { NOTHING = 99,", OF_TARGETS),
        ("evaluation/rate_maps.py", "RIDGE = 1e-4", "RIDGE = 1e-3", {"rate_maps", "lesions"}),
        ("scoring/grid_scores.py", *ADDED, OF_SCORES | {"patterns"}),
        ("theory/pattern_formation.py", "STEP = 0.3", "STEP = 0.2", {"patterns"}),
        ("seeds.py", "LATTICE_CLASSES = 8", "LATTICE_CLASSES = 9", OF_SCORES),
        (
            "findings/verdicts.py",
            "import math\n",
            "import math\n\nADDED = 1\n",
            {"claims", "figures", "story", "explorer"},
        ),
        ("story/story_page.css", "--ink: #222", "--ink: #333", {"story"}),
        ("story/story_page.html", "<h2>Methods</h2>", "<h2>Method</h2>", {"story"}),
        ("figures/style.py", *ADDED, {"figures", "explorer"}),
        ("explorer/explorer.css", "margin: 0", "margin: 1px", {"explorer"}),
        ("explorer/overview.js", "MOST_ROWS = 400", "MOST_ROWS = 500", {"explorer"}),
        ("task/place_cells.py", 'colour = "#E69F00"', 'colour = "#E69F01"', set()),
    ],
)
def test_a_change_makes_the_stages_again_that_run_it(name, old, new, stages, workflow, codes):
    before = codes()
    path = workflow / "nofreelunch" / name
    text = path.read_text()
    assert old in text
    rewrite(path, text.replace(old, new, 1))
    assert {stage for stage, code in codes().items() if code != before[stage]} == stages
    rewrite(path, text)
    assert codes() == before
