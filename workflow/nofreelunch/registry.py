"""Names of targets and cells, read from the source: no torch, so that a study is planned at once.

A target is a class with a string `name` in one of `TARGETS`; a gated cell is a function under the
decorator `cell(name, ...)` in `CELLS`. Defining one is all that it takes to add it.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

PACKAGE = Path(__file__).parent
TARGETS = ("coordinates", "place_cells")
CELLS = ("cells",)


class Entry(NamedTuple):
    """What a definition registers: kind ("target" or "cell"), name, and the decorator's options."""

    kind: str
    name: str
    options: dict[str, Any]


def entry(node: ast.stmt) -> Entry | None:
    """What a top-level statement registers, if anything."""
    if isinstance(node, ast.ClassDef):
        for inner in node.body:
            if isinstance(inner, ast.Assign) and isinstance(inner.value, ast.Constant):
                if [getattr(t, "id", "") for t in inner.targets] == ["name"]:
                    return Entry("target", str(inner.value.value), {})
    if isinstance(node, ast.FunctionDef):
        for made in node.decorator_list:
            if isinstance(made, ast.Call) and getattr(made.func, "id", "") == "cell":
                options = {str(k.arg): ast.literal_eval(k.value) for k in made.keywords}
                return Entry("cell", ast.literal_eval(made.args[0]), options)
    return None


@cache
def entries() -> dict[str, dict[str, dict[str, Any]]]:
    """kind -> name -> options, in the order of definition."""
    found: dict[str, dict[str, dict[str, Any]]] = {"target": {}, "cell": {}}
    for module in (*TARGETS, *CELLS):
        tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
        for registered in filter(None, map(entry, tree.body)):
            found[registered.kind][registered.name] = registered.options
    return found
