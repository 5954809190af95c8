"""Fingerprints of code: they change when what a stage does may change, and only then.

The fingerprint of a script is a hash of its syntax tree and of those of all modules of this package
that it imports, directly or through others. Comments, docstrings, formatting and file times are not
in the tree, so they change nothing. Modules that only write files and messages are left out: a
better error message trains nothing again. What they write is versioned by `datasets.LAYOUT`.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent
LEFT_OUT = ("datasets", "fingerprints", "logs")


def fingerprint(script: str | Path, *modules: str) -> str:
    """Twelve hexadecimal digits for `script`, the package modules it imports, and `modules`.

    Args:
        script: path of a Python file.
        modules: names of further modules of the package, for what a script imports by name.
    """
    pending = [Path(script), *(_path(name) for name in modules)]
    seen: dict[Path, str] = {}
    while pending:
        path = pending.pop()
        if path is not None and path not in seen:
            seen[path], imported = _read(path, path.stat().st_mtime_ns)
            pending += imported
    trees = sorted(f"{path.name} {tree}" for path, tree in seen.items())
    return hashlib.sha256("\n".join(trees).encode()).hexdigest()[:12]


@cache
def _read(path: Path, changed: int) -> tuple[str, tuple[Path, ...]]:
    """Hash of the syntax tree of a file as of `changed`, and the files that it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    text = "".join(_describe(_effective(tree)))
    imported = tuple(p for name in _imports(tree) if (p := _path(name)) is not None)
    return hashlib.sha256(text.encode()).hexdigest(), imported


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _path(module: str) -> Path | None:
    """File of a module that counts; None for other modules and for names inside modules."""
    package, *rest = module.split(".")
    if package != PACKAGE.name or (rest and rest[0] in LEFT_OUT):
        return None
    base = PACKAGE.joinpath(*rest)
    candidates = (base.with_suffix(".py"), base / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def _effective(tree: ast.Module) -> ast.Module:
    """The tree without docstrings and without the version."""
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, owners) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    tree.body = [node for node in tree.body if not _is_version(node)]
    return tree


def _is_version(node: ast.AST) -> bool:
    """Whether a statement sets the version of the package, which no result depends on."""
    names = node.targets if isinstance(node, ast.Assign) else []
    return any(isinstance(name, ast.Name) and name.id == "__version__" for name in names)


def _describe(node: object) -> Iterator[str]:
    """The tree as text; unlike `ast.dump` the same in all Pythons that parse it alike."""
    if isinstance(node, ast.AST):
        yield type(node).__name__
        for name, value in ast.iter_fields(node):
            if value not in (None, []):
                yield f"({name}="
                yield from _describe(value)
                yield ")"
    elif isinstance(node, list):
        for item in node:
            yield from _describe(item)
            yield ","
    else:
        yield repr(node)
