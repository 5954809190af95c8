"""Writes docs/keys.md, the table of every key, from the schemas in workflow/schemas.

python docs/build/keys.py docs/keys.md
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from nofreelunch.study.schema import allowed, load_schema

PAGE = """# Every key

A value that is not allowed stops a run before its first job. One line then names the key, what was
found and what is allowed.

## config.yaml

Which study to run, thresholds, and how to compute.

{config}

## A study file

What to train. The studies that come with the project are in
[`workflow/studies`](../workflow/studies); yours may be anywhere. Under `sweeps.<name>` any key of
`defaults` may be given, as a value or as a list of values.

{study}

This page is made from [`workflow/schemas`](../workflow/schemas) by
`python docs/build/keys.py docs/keys.md`.
"""


def page() -> str:
    """The whole page, as Markdown."""
    return PAGE.format(config=table("config"), study=table("study"))


def table(name: str) -> str:
    """The keys of the schema `name` (`config` or `study`) as a Markdown table."""
    lines = ["| key | default | allowed | meaning |", "|---|---|---|---|"]
    for key, rules in _keys(load_schema(name)):
        default = f"`{_yaml(rules['default'])}`" if "default" in rules else ""
        lines.append(f"| `{key}` | {default} | {allowed(rules)} | {rules['description']} |")
    return "\n".join(lines)


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
    """A value as YAML on one line."""
    return yaml.safe_dump(value, default_flow_style=True).removesuffix("\n...\n").strip()


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
