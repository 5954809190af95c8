"""The README's table of keys, from the schemas: `python -m nofreelunch.documentation README.md`."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from nofreelunch import schemas

START, END = "<!-- keys: start -->", "<!-- keys: end -->"


def table(name: str) -> str:
    """The keys of the schema `name` (`config` or `study`) as a Markdown table."""
    lines = ["| key | default | allowed | meaning |", "|---|---|---|---|"]
    for key, rules in _keys(schemas.schema(name)):
        default = f"`{_yaml(rules['default'])}`" if "default" in rules else ""
        allowed = schemas.allowed(rules)
        lines.append(f"| `{key}` | {default} | {allowed} | {rules['description']} |")
    return "\n".join(lines)


def updated(text: str) -> str:
    """`text` with the part between the two markers replaced by the tables of keys.

    Raises `ValueError` where a marker is missing.
    """
    if text.count(START) != 1 or text.count(END) != 1:
        raise ValueError(f"found no single pair of markers; allowed: one {START} and one {END}")
    before, rest = text.split(START)
    after = rest.split(END)[1]
    tables = (
        f"`config.yaml`:\n\n{table('config')}\n\n"
        f"A study file (`workflow/studies/*.yaml`):\n\n{table('study')}"
    )
    return f"{before}{START}\n\n{tables}\n\n{END}{after}"


def _keys(rules: Mapping[str, Any], where: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The keys that a file sets, as dotted paths, with their rules."""
    for key, rule in rules.get("properties", {}).items():
        path = f"{where}{key}"
        sweeps = rule.get("additionalProperties")
        if isinstance(sweeps, Mapping):
            yield f"{path}.<name>", rule
            yield from _keys(sweeps, f"{path}.<name>.")
        elif "properties" in rule and "default" not in rule:
            yield from _keys(rule, f"{path}.")
        else:
            yield path, rule


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True).removesuffix("\n...\n").strip()


def main() -> None:
    """Bring the README named on the command line up to date."""
    readme = Path(sys.argv[1])
    readme.write_text(updated(readme.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
