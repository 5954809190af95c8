"""Fingerprints of code: they change when what a stage computes may change, and only then."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from nofreelunch.files.definitions import PACKAGE, Definition, read_definition

# Modules and packages that only write files and messages.
LEFT_OUT = ("__init__", "errors", "files", "running", "training.checkpoints", "training.progress")
STREAMS = "seeds.py"
PAGE_PARTS = (".html", ".css", ".js")
PRINTED = ("label", "short", "colour")  # facts of a target that only figures and sentences use


def fingerprint(script: str | Path, *modules: str, **uses: Collection[str]) -> str:
    """Twelve hexadecimal digits for the code that a script runs.

    They hash the syntax trees of the script and of all modules of this package that it imports,
    directly or through others. A C file with the name of a module counts with it, and so do the
    parts of web pages (`PAGE_PARTS`) beside a module, as they are.

    The fingerprint does not change with
    - comments, docstrings, formatting and file times,
    - the words of errors and of lines in the log,
    - labels and colours of targets, which the rules that show targets have as parameters,
    - definitions of other targets, cells, optimisers and random streams than those used,
    - modules that only write files and messages; `contract.LAYOUT` is the version of the files.

    Args:
        script: path of a Python file.
        modules: names of further modules of the package, for those that a script imports by name.
        uses: names of the `target`, `cell` or `optimizer` that the script runs for; definitions of
            others are left out.
    """
    pending = [Path(script), *(_path(name) for name in modules)]
    seen: dict[Path, list[Statement]] = {}
    others: dict[str, str] = {}
    while pending:
        path = pending.pop()
        if path is not None and path not in seen:
            parts = [p for p in _read(path, path.stat().st_mtime_ns) if _used(p.defines, uses)]
            seen[path] = parts
            pending += [_path(name) for part in parts for name in part.imports]
            kernel = path.with_suffix(".c")
            if kernel.is_file():
                others[_name(kernel)] = _read_c(kernel)
            for part in path.parent.iterdir():
                if part.suffix in PAGE_PARTS:
                    others[_name(part)] = hashlib.sha256(part.read_bytes()).hexdigest()
    known = {name for parts in seen.values() for part in parts for name in part.names}
    trees = dict(others)
    for path, parts in seen.items():
        if _name(path) == STREAMS:
            parts = [part for part in parts if part.sets is None or part.sets in known]
        trees[_name(path)] = " ".join(part.tree for part in parts)
    text = "\n".join(f"{name} {tree}" for name, tree in sorted(trees.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


class Statement(NamedTuple):
    """One statement at the top level of a module.

    Attributes:
        tree: hash of its syntax tree.
        imports: modules that it imports, and what it takes from them.
        names: attributes and imported names in it.
        sets: the name that it assigns to, or None.
        defines: the target, cell or kind of surrogates that it defines, or None.
    """

    tree: str
    imports: tuple[str, ...]
    names: frozenset[str]
    sets: str | None
    defines: Definition | None


@cache
def _read(path: Path, changed: int) -> tuple[Statement, ...]:
    """The statements of a file; `changed`, its time stamp, keeps the cache up to date."""
    statements = []
    for node in ast.parse(path.read_text(encoding="utf-8"), str(path)).body:
        defines = read_definition(node)
        if isinstance(node, ast.ClassDef) and defines:
            node.body = [inner for inner in node.body if _sets(inner) not in PRINTED]
        if _matters(node):
            read = _Tree()
            read.add(node)
            tree = hashlib.sha256("".join(read.text).encode()).hexdigest()[:16]
            names, imports = frozenset(read.names), tuple(read.imports)
            statements.append(Statement(tree, imports, names, _sets(node), defines))
    return tuple(statements)


def _matters(node: object) -> bool:
    """Whether a result may depend on a node: docstrings and lines in the log are left out."""
    if not isinstance(node, ast.Expr):
        return True
    if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return False
    called = getattr(node.value, "func", None)
    if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
        return called.value.id != "log"
    return True


class _Tree:
    """What a statement is made of, read in one pass: this package has over 100,000 nodes.

    Attributes:
        text: the tree as text, without what no result depends on, such as the words of errors.
            Unlike that of `ast.dump` it is equal in Pythons that parse code alike.
        names, imports: as in `Statement`.
    """

    def __init__(self) -> None:
        self.text: list[str] = []
        self.names: set[str] = set()
        self.imports: list[str] = []

    def add(self, node: ast.AST) -> None:
        """Read a node and all nodes below it."""
        self.text.append(type(node).__name__)
        if isinstance(node, ast.Raise):
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            node = ast.Raise(exc=raised, cause=None)
        elif isinstance(node, ast.Attribute):
            self.names.add(node.attr)
        elif isinstance(node, ast.alias):
            self.names.add(node.name)
        elif isinstance(node, ast.Import):
            self.imports += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            self.imports += [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                value = [item for item in value if _matters(item)]
            if value is not None and value != []:
                self.text.append(f"({name}=")
                self._add_value(value)
                self.text.append(")")

    def _add_value(self, value: object) -> None:
        if isinstance(value, ast.AST):
            self.add(value)
        elif isinstance(value, list):
            for item in value:
                self._add_value(item)
                self.text.append(",")
        else:
            self.text.append(repr(value))


def _sets(node: ast.AST) -> str | None:
    """The name that a statement assigns to, if it is a plain assignment."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return None


def _used(defines: Definition | None, uses: Mapping[str, Collection[str]]) -> bool:
    """Whether a statement counts: all but the definitions that are not in use."""
    return defines is None or defines.name in uses.get(defines.kind, (defines.name,))


def _read_c(path: Path) -> str:
    """Hash of a C file without its comments and line breaks."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()


def _read_text(path: Path) -> str:
    """Hash of a file whose every character may show."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


BESIDE = {".c": _read_c, ".html": _read_text, ".css": _read_text}  # what a module uses beside it


def _path(module: str) -> Path | None:
    """File of a module that counts in fingerprints; None for all other names."""
    package, _, inner = module.partition(".")
    parts = inner.split(".")
    left_out = inner in LEFT_OUT or parts[0] in LEFT_OUT
    if package != PACKAGE.name or not inner or left_out:
        return None
    path = PACKAGE.joinpath(*parts).with_suffix(".py")
    return path if path.is_file() else None


def _name(path: Path) -> str:
    """Name of a file in a fingerprint: its path in the package, or else its own name."""
    return path.relative_to(PACKAGE).as_posix() if path.is_relative_to(PACKAGE) else path.name
