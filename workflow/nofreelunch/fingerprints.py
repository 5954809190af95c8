"""Fingerprints of code: they change when what a stage does may change, and only then.

The fingerprint of a script is a hash of its syntax tree and of those of all modules of this package
that it imports, directly or through others, with the C file of the same name where there is one.
Comments, docstrings, formatting and file times are not in the tree, so they change nothing. Modules
that only write files and messages are left out: a better error message trains nothing again. What
they write is versioned by `layout.LAYOUT`.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from nofreelunch import registry

PACKAGE = Path(__file__).parent
LEFT_OUT = ("checkpoints", "datasets", "fingerprints", "layout", "logs")


def fingerprint(script: str | Path, *modules: str, **uses: str) -> str:
    """Twelve hexadecimal digits for `script`, the package modules it imports, and `modules`.

    Args:
        script: path of a Python file.
        modules: names of further modules of the package, for what a script imports by name.
        uses: the `target` or `cell` that the script is run for; the code of others is left out.
    """
    pending = [Path(script), *(_path(name) for name in modules)]
    seen: dict[Path, str] = {}
    while pending:
        path = pending.pop()
        if path is not None and path not in seen:
            parts = [p for p in _read(path, path.stat().st_mtime_ns) if _used(p.registers, uses)]
            seen[path] = " ".join(part.tree for part in parts)
            pending += [_path(name) for part in parts for name in part.imports]
            kernel = path.with_suffix(".c")
            if kernel.is_file():
                seen[kernel] = _read_c(kernel)
    trees = sorted(f"{path.name} {tree}" for path, tree in seen.items())
    return hashlib.sha256("\n".join(trees).encode()).hexdigest()[:12]


class Statement(NamedTuple):
    """One statement of a module: hash of its syntax tree, what it imports and what it registers."""

    tree: str
    imports: tuple[str, ...]
    registers: registry.Entry | None


@cache
def _read(path: Path, changed: int) -> tuple[Statement, ...]:
    """The statements of a file as of `changed`."""
    tree = _effective(ast.parse(path.read_text(encoding="utf-8"), str(path)))
    return tuple(
        Statement(
            hashlib.sha256("".join(_describe(node)).encode()).hexdigest()[:16],
            tuple(_imports(node)),
            registry.entry(node),
        )
        for node in tree.body
    )


def _used(entry: registry.Entry | None, uses: Mapping[str, str]) -> bool:
    """Whether a statement is not the definition of another target or cell than the one used."""
    return entry is None or uses.get(entry.kind, entry.name) == entry.name


def _read_c(path: Path) -> str:
    """Hash of a C file without its comments and line breaks."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()


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


def _describe(node: object) -> list[str]:
    """The tree as text; unlike `ast.dump` the same in all Pythons that parse it alike."""
    parts: list[str] = []
    _append(node, parts)
    return parts


def _append(node: object, parts: list[str]) -> None:
    if isinstance(node, ast.AST):
        parts.append(type(node).__name__)
        for name in node._fields:
            value = getattr(node, name, None)
            if value is not None and value != []:
                parts.append(f"({name}=")
                _append(value, parts)
                parts.append(")")
    elif isinstance(node, list):
        for item in node:
            _append(item, parts)
            parts.append(",")
    else:
        parts.append(repr(node))
