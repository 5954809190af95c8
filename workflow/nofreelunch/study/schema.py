"""Checking YAML files against the schemas, and saying what is wrong in one readable line."""

import copy
import functools
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from nofreelunch.errors import InvalidFile, refused, shown, suggestion
from nofreelunch.files.definitions import definitions

try:  # the C parser is much faster, but not every build of PyYAML has it
    from yaml import CSafeLoader as SafeLoader
except ImportError:
    from yaml import SafeLoader

PACKAGE = Path(__file__).parents[1]


def data_folder(name: str) -> Path:
    """The folder `name` of YAML files: beside the package in a checkout, inside it in a wheel."""
    beside = PACKAGE.parent / name
    return beside if beside.is_dir() else PACKAGE / name


FOLDER = data_folder("schemas")
DEFINED = ("target", "cell", "optimizer")  # keys whose values are names that the library defines
# YAML 1.1 reads a number with an exponent and no point, such as 1e-4, as text.
EXPONENT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+")


class _Loader(SafeLoader):
    """Loader of YAML's safe subset that refuses repeated keys, and numbers that are not decimal."""

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        if not re.fullmatch(r"[-+]?(0|[1-9][0-9]*)", str(node.value)):
            raise yaml.constructor.ConstructorError(
                problem=f"the number {node.value}; allowed: decimal digits, without a leading 0",
                problem_mark=node.start_mark,
            )
        return int(node.value)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    problem="a key that is not text", problem_mark=key.start_mark
                )
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"key {key.value!r} is given twice; allowed: once",
                    problem_mark=key.start_mark,
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)


@functools.cache
def load_schema(name: str) -> dict[str, Any]:
    """The schema "config" or "study", with the names that the library defines filled in."""
    rules = yaml.load((FOLDER / f"{name}.schema.yaml").read_text(encoding="utf-8"), SafeLoader)
    if name == "study":
        keys = rules["properties"]["defaults"]["properties"]
        for kind in DEFINED:
            keys[kind]["enum"] = list(definitions(kind))
        sweep = rules["properties"]["sweeps"]["additionalProperties"]
        sweep["propertyNames"]["enum"] = ["source", "sample", *keys]
    return rules


def read_yaml(path: Path, error: type[InvalidFile] = InvalidFile) -> dict:
    """The mapping in the YAML file at `path`.

    Raises `error` where the file is missing or empty, is not YAML or not a mapping, or repeats a
    key.
    """
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except OSError as fault:
        raise error(f"{path}: cannot be read: {fault.strerror}") from fault
    except UnicodeDecodeError as fault:
        raise error(f"{path}: not a YAML file: it is not UTF-8 text") from fault
    except (yaml.YAMLError, ValueError) as fault:  # an impossible date is a ValueError
        mark = getattr(fault, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(fault, "problem", None) or "it cannot be parsed"
        raise error(f"{path}: {line}not a valid YAML file: {problem}") from fault
    if not isinstance(values, dict):
        raise refused(path, shown(values), "a YAML mapping of keys to values", error)
    return values


def check_values(
    values: Any,
    rules: Mapping[str, Any],
    source: Any,
    where: str = "",
    error: type[InvalidFile] = InvalidFile,
) -> Any:
    """The values, with text such as `1e-4` as numbers, if they obey a schema.

    Args:
        values: values from a YAML file.
        rules: the schema, or a part of it.
        source: the file, for the message.
        where: key of the values in the file, for the message.
        error: class of the error.

    Raises:
        InvalidFile: `error`, one line about the first fault.
    """
    try:
        values = _plain(values, source, where, error)
    except RecursionError as fault:
        raise refused(
            f"{source}", "an alias within its own anchor", "other aliases", error
        ) from fault
    faults = jsonschema.Draft202012Validator(rules).iter_errors(values)
    # A misspelt key also counts as missing: report the misspelling.
    first = min(faults, key=lambda fault: fault.validator == "required", default=None)
    if first is not None:
        raise error(f"{source}: {_explain(first, where)}")
    return values


def filled(values: Any, rules: Mapping[str, Any]) -> Any:
    """A copy of checked `values`, complete and in the order of the schema.

    An absent key takes its default. Equal numbers become the same: 128.0 becomes 128 where the
    schema wants a whole number, and 1 becomes 1.0 where it wants any number.
    """
    if "anyOf" in rules:
        options = rules["anyOf"]
        rules = next(
            rule for rule in options if jsonschema.Draft202012Validator(rule).is_valid(values)
        )
    if "const" in rules:
        return rules["const"]
    if rules.get("type") in ("integer", "number"):
        return int(values) if rules["type"] == "integer" else float(values)
    if isinstance(values, list) and "items" in rules:
        return [filled(item, rules["items"]) for item in values]
    if not isinstance(values, Mapping):
        return values
    return _filled_mapping(values, rules.get("properties", {}))


def allowed(rules: Mapping[str, Any]) -> str:
    """What a schema allows, in words, for messages and the table of keys."""
    if "anyOf" in rules:
        return " or ".join(allowed(option) for option in rules["anyOf"])
    if "enum" in rules:
        return ", ".join(str(option) for option in rules["enum"])
    if "const" in rules:
        return str(rules["const"])
    if "pattern" in rules:
        return rules["description"]
    kind = rules["type"]
    if kind == "array":
        return _allowed_list(rules)
    if kind == "object" and "propertyNames" in rules and "enum" in rules["propertyNames"]:
        return f"a mapping with keys {', '.join(rules['propertyNames']['enum'])}"
    if kind == "object":
        return _allowed_mapping(rules)
    words = {
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "null": "null",
    }
    bounds = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    limits = [f"{sign} {rules[bound]}" for bound, sign in bounds.items() if bound in rules]
    return " ".join([words.get(kind, "text"), " and ".join(limits)]).strip()


def _filled_mapping(values: Mapping[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    complete = {}
    for key, rule in keys.items():
        if key in values:
            complete[key] = filled(values[key], rule)
        elif "default" in rule:
            complete[key] = filled(rule["default"], rule)
        elif "properties" in rule and "required" not in rule:
            complete[key] = filled({}, rule)
    return complete | {key: copy.deepcopy(values[key]) for key in values if key not in complete}


def _allowed_list(rules: Mapping[str, Any]) -> str:
    item = allowed(rules["items"])
    if rules.get("maxItems") == 2:
        return f"[low, high], each {item}"
    return f"a list of at least {rules.get('minItems', 0)}, each {item}"


def _allowed_mapping(rules: Mapping[str, Any]) -> str:
    keys = rules.get("properties", {})
    if isinstance(rules.get("additionalProperties"), Mapping):
        return "one or more entries, name: {key: value or list, ...}"
    if len(keys) > 2 or any("properties" in rule for rule in keys.values()):
        return f"a mapping with keys {', '.join(keys)}"
    parts = [f"{key}: {allowed(rule)}" for key, rule in keys.items()]
    if rules.get("maxProperties") == 1:
        return " or ".join("{" + part + "}" for part in parts)
    return "{" + ", ".join(parts) + "}"


def _plain(value: Any, source: Any, where: str, error: type[InvalidFile]) -> Any:
    """The value with exponent notation as numbers.

    Raises `error` for numbers that are not finite and keys that are not text.
    """
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise refused(
                    f"{source}: {where or 'keys'}",
                    shown(key),
                    "a key that is text (quote it)",
                    error,
                )
        return {k: _plain(item, source, _join(where, k), error) for k, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, source, where, error) for item in value]
    if isinstance(value, str) and EXPONENT.fullmatch(value):
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise refused(f"{source}: {where}", shown(value), "a finite number", error)
    return value


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _explain(fault: jsonschema.ValidationError, where: str) -> str:
    for part in fault.absolute_path:
        where = f"{where}[{part}]" if isinstance(part, int) else _join(where, part)
    rules, value = fault.schema, fault.instance
    if fault.validator == "required":
        missing = next(key for key in fault.validator_value if key not in value)
        return f"{_join(where, missing)}: missing; allowed: {allowed(rules['properties'][missing])}"
    if fault.validator == "additionalProperties":
        keys = list(rules["properties"])
        return _unknown(next(key for key in value if key not in keys), keys, where)
    if "propertyNames" in fault.absolute_schema_path and "enum" in rules:
        return _unknown(value, rules["enum"], where)
    if "propertyNames" in fault.absolute_schema_path:
        where = _join(where, value)
    hint = suggestion(value, _names(rules)) if isinstance(value, str) else ""
    return f"{where or 'the file'}: found {shown(value)}; allowed: {allowed(rules)}{hint}"


def _unknown(key: str, keys: list[str], where: str) -> str:
    return f"{_join(where, key)}: unknown key; allowed: {', '.join(keys)}{suggestion(key, keys)}"


def _names(rules: Mapping[str, Any]) -> list[Any]:
    options = [rules, *rules.get("anyOf", [])]
    return [name for option in options for name in option.get("enum", [])]
