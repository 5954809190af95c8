"""Who may import whom: data flows down the packages, and nothing imports what stands above it."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "workflow" / "nofreelunch"
BASE = {"seeds", "errors"}
TASK = BASE | {"compute", "files", "task"}
MAY_IMPORT = {
    "seeds": set(),
    "errors": set(),
    "compute": BASE,
    "files": BASE,
    "task": TASK,
    "networks": BASE | {"compute", "files"},
    "scoring": BASE | {"compute", "files"},
    "study": BASE | {"files", "task", "networks"},
    "training": TASK | {"networks"},
    "evaluation": TASK | {"networks", "scoring", "theory"},
    "theory": TASK,
    "findings": TASK | {"networks", "scoring", "theory", "study"},
    "figures": TASK | {"networks", "scoring", "theory", "study", "findings"},
    "story": TASK | {"scoring", "theory", "study", "findings"},
    "exports": TASK | {"networks", "scoring", "study", "findings"},
    "explorer": TASK | {"networks", "scoring", "theory", "study", "findings", "figures"},
    "running": BASE | {"files", "networks", "study"},
}
FRONT = ("__init__", "__main__")  # of the library: they may import all
WITHOUT_TORCH = ("study", "files", "running", "findings", "story", "theory", "exports", "explorer")
TORCH_WHEN_ASKED = ("scoring",)  # for a GPU: inside a function


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def package_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(tree: ast.AST):
    """Dotted names of what a tree imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports only"
            if node.module == "nofreelunch":
                yield from (f"nofreelunch.{alias.name}" for alias in node.names)
            else:
                yield node.module


def from_packages(path: Path):
    """Packages of this library that a module imports."""
    for name in imports(ast.parse(path.read_text())):
        first, _, rest = name.partition(".")
        if first == "nofreelunch" and rest not in ("", "__version__"):
            yield rest.split(".")[0]


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_what_lies_below_it(path):
    own = package_of(path)
    if own in FRONT:
        return
    assert set(from_packages(path)) - {own} <= MAY_IMPORT[own]


def test_every_package_has_its_rule():
    assert {package_of(path) for path in modules()} - {*FRONT} == set(MAY_IMPORT)


def test_the_init_of_a_package_is_a_docstring_and_no_import():
    for path in PACKAGE.glob("*/**/__init__.py"):
        (only,) = ast.parse(path.read_text()).body
        assert isinstance(only, ast.Expr) and isinstance(only.value.value, str), path


def test_torch_is_imported_only_where_it_is_needed():
    for path in modules():
        tree = ast.parse(path.read_text())
        if package_of(path) in WITHOUT_TORCH:
            assert not [name for name in imports(tree) if name.split(".")[0] == "torch"], path
        if package_of(path) in TORCH_WHEN_ASKED:
            for node in tree.body:
                if isinstance(node, ast.Import | ast.ImportFrom):
                    assert "torch" not in [name.split(".")[0] for name in imports(node)], path


def test_no_public_name_is_given_twice_in_different_packages():
    homes: dict[str, set[str]] = {}
    for path in modules():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, set()).add(package_of(path))
    shared = {name: found for name, found in homes.items() if len(found) > 1}
    assert shared == {"main": {"__main__", "compute"}}


def test_no_two_modules_share_a_name():
    names = [path.stem for path in modules() if path.stem != "__init__"]
    # A figure is named after what it shows, as are the claims about networks, targets and widths.
    allowed = {"lattices", "predictions", "patterns", "tables", "targets", "networks"}
    # A kind of networks of a published model has one module that trains and one that measures it.
    allowed |= {path.stem for path in (PACKAGE / "training" / "published").glob("*.py")}
    assert {name for name in names if names.count(name) > 1} <= allowed


def test_random_streams_have_numbers_of_their_own():
    tree = ast.parse((PACKAGE / "seeds.py").read_text())
    numbers = [ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign)]
    assert len(numbers) == len(set(numbers)) > 5
    assert min(numbers) == 0
