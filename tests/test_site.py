"""The site of `make docs` has every page, and its environment is locked.

`make docs` itself finds broken links; it needs an environment that tests do not have.
"""

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOOKS = (ROOT / "docs" / "build" / "site_pages.py").read_text(encoding="utf-8")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")


def literal(name: str):
    """What the hooks, which cannot be imported here, assign to `name`."""
    for node in ast.parse(HOOKS).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return eval(compile(ast.Expression(node.value), "hooks", "eval"))
    raise KeyError(name)


def test_every_page_has_its_place():
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = re.findall(r"^ +- [^:\n]+: (\S+\.md)$", settings, re.MULTILINE)
    written = {path.name for path in (ROOT / "docs").glob("*.md")}
    notebooks = {f"{path.stem}.md" for path in (ROOT / "docs").glob("*.ipynb")}
    assert notebooks == {f"{name}.md" for name in literal("NOTEBOOKS")}
    assert len(listed) == len(set(listed))
    assert set(listed) == written | notebooks | {*literal("ELSEWHERE"), "reference.md"}


def test_its_environment_is_locked():
    text = re.sub(r"^ *#.*\n", "", (ROOT / "envs" / "docs.txt").read_text(), flags=re.MULTILINE)
    pins = text.replace("\\\n", " ").strip().splitlines()
    assert [pin for pin in pins if not HASH.search(pin)] == []
    direct = re.findall(r"^[\w-]+", (ROOT / "envs" / "docs.in").read_text(), re.MULTILINE)
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = extra["optional-dependencies"]["docs"]
    assert sorted(re.match(r"[\w-]+", name)[0] for name in named) == sorted(direct)
    assert {pin.split("==")[0] for pin in pins} >= {*direct}
