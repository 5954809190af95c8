"""Fingerprints of code: what may change a result changes them, and nothing else does."""

import ast
import os
import re
from pathlib import Path

import pytest
from nofreelunch.files import fingerprints

SOURCES = {
    "__init__.py": '"""A package."""\n\n__version__ = "1"\n',
    "near.py": (
        '"""Near."""\n\nfrom nofreelunch import far\n\n\n'
        'def near(x):\n    """Twice far."""\n    return 2 * far.far(x)\n'
    ),
    "far.py": "import math\n\n\ndef far(x):\n    return math.sqrt(x)\n",
    "unrelated.py": "VALUE = 1\n",
    "files/contract.py": "LAYOUT = 1\n",
    "seeds.py": "ONE = 0\nTWO = 1\n\n\ndef generator(seed, stream):\n    return seed + stream\n",
    "figures/__init__.py": "",
    "figures/one.py": "from nofreelunch.figures import style\n",
    "figures/style.py": "COLOUR = 1\n",
}
SCRIPT = (
    "from nofreelunch.files import contract\nfrom nofreelunch.near import near\n\n"
    "if __name__ == '__main__':\n    near(3)\n"
)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of its own, and a script beside it."""
    folder = tmp_path / "nofreelunch"
    for name, text in SOURCES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "script.py").write_text(SCRIPT)
    monkeypatch.setattr(fingerprints, "PACKAGE", folder)
    return folder


def fingerprint(package, *modules, **uses):
    return fingerprints.fingerprint(package.parent / "script.py", *modules, **uses)


def rewrite(path, text):
    """Write `text` with a file time that differs for certain."""
    changed = path.stat().st_mtime_ns + 10**9
    path.write_text(text)
    os.utime(path, ns=(changed, changed))


def test_form(package):
    assert re.fullmatch(r"[0-9a-f]{12}", fingerprint(package))
    assert fingerprint(package) == fingerprint(package)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("far.py", SOURCES["far.py"]),  # the file time alone
        ("far.py", "# why\n" + SOURCES["far.py"].replace("(x)\n", "(x)  # square root\n")),
        ("far.py", '"""Far."""\n' + SOURCES["far.py"]),
        ("far.py", SOURCES["far.py"].replace(":\n", ':\n    """The root."""\n', 1)),
        ("near.py", SOURCES["near.py"].replace("Twice far.", "Two times\n    what far gives.")),
        ("far.py", "import math\ndef far(\n    x,\n):\n    return (math.sqrt( x ))\n"),
        ("../script.py", '"""A script."""\n' + SCRIPT.replace("'", '"')),
        ("__init__.py", '"""Another word on the package."""\n\n__version__ = "1"\n'),
        ("__init__.py", SOURCES["__init__.py"].replace('"1"', '"2"')),
        ("__init__.py", SOURCES["__init__.py"] + "from nofreelunch.far import far\n"),
        ("unrelated.py", "VALUE = 2\n"),
        ("files/contract.py", "LAYOUT = 2\n"),  # files say their layout themselves
        ("figures/style.py", "COLOUR = 2\n"),
    ],
)
def test_what_cannot_change_a_result_changes_nothing(name, text, package):
    before = fingerprint(package)
    rewrite(package / name, text)
    assert fingerprint(package) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("far.py", "sqrt", "exp"),  # two imports away
        ("near.py", "2 *", "3 *"),
        ("near.py", "2 *", "2.0 *"),
        ("near.py", "2 *", "True *"),
        ("near.py", "def near(x)", "def near(x=None)"),
        ("../script.py", "near(3)", "near(4)"),
    ],
)
def test_what_may_change_a_result_changes_the_fingerprint(name, old, new, package):
    before = fingerprint(package)
    text = (package / name).read_text()
    assert old in text
    rewrite(package / name, text.replace(old, new))
    after = fingerprint(package)
    assert after != before
    rewrite(package / name, text)
    assert fingerprint(package) == before


def test_modules_that_a_script_imports_by_name(package):
    before = fingerprint(package)
    with_figure = fingerprint(package, "nofreelunch.figures.one")
    assert with_figure != before
    rewrite(package / "figures/style.py", "COLOUR = 2\n")  # which that module imports
    assert fingerprint(package, "nofreelunch.figures.one") != with_figure
    assert fingerprint(package) == before


REGISTERED = {
    "target": 'class {name}:\n    name = "{name}"\n    power = {power}\n\n\n',
    "optimizer": 'optimizer("{name}", rate={power})\n',
    "cell": '@cell("{name}", gates=2)\ndef {name}(w):\n    return {power} * w\n\n\n',
}


@pytest.mark.parametrize("kind", REGISTERED)
def test_one_target_or_cell_does_not_depend_on_another(kind, package):
    def write(**powers):
        parts = (REGISTERED[kind].format(name=name, power=p) for name, p in powers.items())
        rewrite(package / "far.py", SOURCES["far.py"] + "".join(parts))

    write(one=1, two=2)
    one, two, both = (
        fingerprint(package, **uses) for uses in ({kind: ["one"]}, {kind: ["two"]}, {})
    )
    assert len({one, two, both}) == 3
    write(one=1, two=3)
    assert fingerprint(package, **{kind: ["one"]}) == one
    assert fingerprint(package, **{kind: ["two"]}) != two
    assert fingerprint(package) != both
    write(one=1, two=2, three=3)  # one more
    assert fingerprint(package, **{kind: ["one"]}) == one
    assert fingerprint(package, **{kind: ["two"]}) == two


def test_the_c_file_of_a_module_counts_but_not_its_comments(package):
    before = fingerprint(package)
    code = "/* A\n kernel. */\nint twice(int x)\n{\n    return 2 * x; // doubled\n}\n"
    (package / "far.c").write_text(code)
    with_kernel = fingerprint(package)
    assert with_kernel != before
    (package / "far.c").write_text("int twice(int x) {\n    return 2 * x;\n}\n")
    assert fingerprint(package) == with_kernel
    (package / "far.c").write_text("int twice(int x) {\n    return 3 * x;\n}\n")
    assert fingerprint(package) != with_kernel


@pytest.mark.parametrize("name", ["page.html", "page.css", "page.js"])
def test_parts_of_a_page_beside_a_module_count(name, package):
    before = fingerprint(package)
    (package / "figures" / name).write_text("a")  # beside modules that the script does not import
    assert fingerprint(package) == before
    with_figure = fingerprint(package, "nofreelunch.figures.one")
    (package / "figures" / name).write_text("b")
    assert fingerprint(package, "nofreelunch.figures.one") != with_figure
    assert fingerprint(package) == before


def test_imports_in_a_circle_end(package):
    rewrite(package / "far.py", "from nofreelunch import near\n")
    assert re.fullmatch(r"[0-9a-f]{12}", fingerprint(package))


def test_where_the_checkout_lies_does_not_matter(package, tmp_path, monkeypatch):
    before = fingerprint(package)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    package.rename(elsewhere / "nofreelunch")
    (tmp_path / "script.py").rename(elsewhere / "script.py")
    monkeypatch.setattr(fingerprints, "PACKAGE", elsewhere / "nofreelunch")
    assert fingerprint(elsewhere / "nofreelunch") == before


def test_the_package_imports_in_ways_that_are_followed():
    """Relative imports and imports at run time would escape.

    The kinds of networks of published models are imported at run time; their rules name them.
    """
    front = fingerprints.PACKAGE / "__init__.py"  # which no fingerprint covers
    of_kinds = {
        fingerprints.PACKAGE / "training" / "train_published.py",
        fingerprints.PACKAGE / "evaluation" / "measure_published.py",
    }
    for path in {*fingerprints.PACKAGE.rglob("*.py")} - {front} - of_kinds:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.ImportFrom) and node.level), path
            assert not (isinstance(node, ast.Name) and node.id == "__import__"), path
            assert not (isinstance(node, ast.Attribute) and node.attr == "import_module"), path


@pytest.mark.parametrize("stage", ["published_training", "published_maps"])
def test_a_kind_of_networks_counts_for_its_own_networks_alone(stage):
    script = fingerprints.PACKAGE.parent / "scripts" / f"{stage}.py"
    package = {"published_training": "training", "published_maps": "evaluation"}[stage]
    kinds = [f"nofreelunch.{package}.published.{kind}" for kind in ("rnn", "leaky_tanh")]
    found = {fingerprints.fingerprint(script, *of) for of in ([], *([kind] for kind in kinds))}
    assert len(found) == 3


WORDS = """
from nofreelunch import seeds
from nofreelunch.seeds import ONE, generator

log = 1


def far(x):
    {line}
    if x < 0:
        raise {error}
    return generator(x, ONE)
"""
OF_A_MODULE = """
import nofreelunch.seeds as seeds


def far(x):
    return seeds.generator(x, seeds.ONE)
"""


def test_the_words_of_errors_and_lines_in_the_log_change_nothing(package):
    def written(line, error):
        rewrite(package / "far.py", WORDS.format(line=line, error=error))
        return fingerprint(package)

    before = written('log.info("far of %d", x)', 'ValueError(f"x: found {x}")')
    assert written('log.warning("that is far")', 'ValueError("x is negative")') == before
    assert written("pass", 'ValueError("x is negative")') != before
    assert written('log.info("far of %d", x)', 'TypeError("x is negative")') != before


@pytest.mark.parametrize("far", [WORDS.format(line="pass", error="ValueError"), OF_A_MODULE])
def test_only_the_streams_that_are_drawn_from_count(far, package):
    rewrite(package / "far.py", far)
    before = fingerprint(package)
    seeds = SOURCES["seeds.py"]
    rewrite(package / "seeds.py", seeds.replace("TWO = 1", "TWO = 2\nTHREE = 3"))
    assert fingerprint(package) == before
    rewrite(package / "seeds.py", seeds.replace("ONE = 0", "ONE = 5"))
    assert fingerprint(package) != before
    rewrite(package / "seeds.py", seeds.replace("seed + stream", "seed - stream"))
    assert fingerprint(package) != before


def test_how_a_target_is_called_and_coloured_changes_nothing(package):
    target = (
        'class One:\n    name = "one"\n    label = "One"\n    colour = "#111111"\n    uses = ()\n'
    )
    rewrite(package / "far.py", SOURCES["far.py"] + target)
    before = fingerprint(package, target=["one"])
    changed = target.replace('"One"', '"The first"').replace("#1", "#2")
    rewrite(package / "far.py", SOURCES["far.py"] + changed)
    assert fingerprint(package, target=["one"]) == before
    rewrite(package / "far.py", SOURCES["far.py"] + target.replace("uses = ()", 'uses = ("a",)'))
    assert fingerprint(package, target=["one"]) != before


def test_the_training_script_is_followed_to_its_last_import():
    """Scoring and planning may change without training again; targets may not."""
    seen = followed(fingerprints.PACKAGE.parent / "scripts" / "training.py")
    counted = ("training.loop", "networks.network_stack", "task.targets", "task.place_cells")
    counted += ("networks.cohorts", "task.trajectories", "training.curves", "seeds")
    assert {*counted} <= seen
    packages = {name.split(".")[0] for name in seen}
    assert packages == {"training", "networks", "task", "compute", "seeds", "script"}
    assert not {"training.checkpoints", "training.progress"} & seen


def followed(script):
    """Names of the modules that a script's fingerprint covers."""
    seen, pending = set(), [Path(script)]
    while pending:
        path = pending.pop()
        if path is not None and path not in seen:
            seen.add(path)
            for statement in fingerprints._read(path, path.stat().st_mtime_ns):
                pending += map(fingerprints._path, statement.imports)
    return {
        ".".join(path.relative_to(fingerprints.PACKAGE).with_suffix("").parts)
        if path.is_relative_to(fingerprints.PACKAGE)
        else "script"
        for path in seen
    }
