"""Targets, cells, optimisers and kinds of surrogates, found by reading the library's source.

Nothing is imported, so a study is planned without torch; see `definitions` for the forms.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

PACKAGE = Path(__file__).parents[1]
HOMES = {
    "target": ("task/coordinates.py", "task/place_cells.py"),
    "cell": ("networks/cells.py",),
    "surrogate": ("scoring/surrogates.py",),
    "optimizer": ("training/optimizers.py",),
}
REGISTERING = ("cell", "surrogate", "optimizer")  # functions that take a name and facts


class Definition(NamedTuple):
    """Something that a statement defines: its kind (a key of `HOMES`), name and literal facts."""

    kind: str
    name: str
    facts: dict[str, Any]


@cache
def definitions(kind: str) -> dict[str, dict[str, Any]]:
    """Facts of all definitions of a kind by name, in the order of the source.

    A definition has one of these forms:

    - target: a class with a literal `name`. Its facts are its other literals, and as `summary` the
      first line of its docstring.
    - cell: a function under `@cell(name, ...)`. Its facts are the keyword arguments.
    - surrogate: a function under `@surrogate(name, ...)`. Its facts are the keyword arguments.
    - optimizer: a call `optimizer(name, ...)`. Its facts are the keyword arguments.
    """
    found: dict[str, dict[str, Any]] = {}
    for home in HOMES[kind]:
        tree = ast.parse((PACKAGE / home).read_text(encoding="utf-8"))
        for definition in filter(None, map(read_definition, tree.body)):
            if definition.kind == kind:
                found[definition.name] = definition.facts
    return found


def read_definition(node: ast.stmt) -> Definition | None:
    """What a top-level statement defines; None if it defines nothing."""
    if isinstance(node, ast.ClassDef):
        facts = dict(filter(None, map(_literal, node.body)))
        name = facts.pop("name", None)
        facts["summary"] = (ast.get_docstring(node) or "").partition("\n")[0]
        return Definition("target", name, facts) if isinstance(name, str) else None
    if isinstance(node, ast.FunctionDef):
        return next(filter(None, map(_registered, node.decorator_list)), None)
    return _registered(node.value) if isinstance(node, ast.Expr) else None


def _registered(made: ast.expr) -> Definition | None:
    """What a call such as `cell("lstm", gates=4)` registers; None for any other expression."""
    kind = getattr(made.func, "id", "") if isinstance(made, ast.Call) else ""
    if kind not in REGISTERING or not isinstance(made, ast.Call):
        return None
    facts = {str(k.arg): ast.literal_eval(k.value) for k in made.keywords}
    return Definition(kind, ast.literal_eval(made.args[0]), facts)


def _literal(node: ast.stmt) -> tuple[str, Any] | None:
    """Name and value where a statement assigns a literal to a name; else None."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        target, value = node.targets[0], node.value
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
        target, value = node.target, node.value
    else:
        return None
    try:
        return target.id, ast.literal_eval(value)
    except ValueError:
        return None
