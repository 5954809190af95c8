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

A study of published models has one key in place of these, `models`: a list of names of files in
[`workflow/models`](../workflow/models).

## A model file

What a published model trains, and how that deviates from its paper.

{model}

Its parts have networks of one kind each, and every kind has keys of its own. All of these are
needed. The lists of a part are crossed, as those of a sweep are.

{kinds}

This page is made from [`workflow/schemas`](../workflow/schemas) by
`python docs/build/keys.py docs/keys.md`.
"""


def page() -> str:
    """The whole page, as Markdown."""
    model = {k: v for k, v in load_schema("model").items() if k != "kinds"}
    return PAGE.format(
        config=table(load_schema("config")),
        study=table(load_schema("study")),
        model=table(model),
        kinds=kinds(load_schema("model")["kinds"]),
    )


def table(schema: Mapping[str, Any]) -> str:
    """The keys of a schema as a Markdown table."""
    lines = ["| key | default | allowed | meaning |", "|---|---|---|---|"]
    for key, rules in _keys(schema):
        default = f"`{_yaml(rules['default'])}`" if "default" in rules else ""
        meaning = rules.get("description", "")
        values = allowed(rules).replace("{}", "keys of the kind")
        lines.append(f"| `{key}` | {default} | {values} | {meaning} |")
    return "\n".join(lines)


def kinds(schemas: Mapping[str, Any]) -> str:
    """The keys of the networks of each kind as a Markdown table."""
    known = load_schema("study")["properties"]["defaults"]["properties"]
    lines = ["| kind | key | allowed | meaning |", "|---|---|---|---|"]
    for kind, rules in schemas.items():
        lines.append(f"| **{kind}** | | | {rules['description']} |")
        for key, rule in rules["properties"].items():
            meaning = rule.get("description") or known.get(key, {}).get("description", "")
            lines.append(f"| | `{key}` | {allowed(rule)} | {meaning} |")
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
