from collections.abc import Mapping
from pathlib import Path

import jsonschema
import keys as docs_keys
import pytest
import yaml
from nofreelunch.study import config, schema
from nofreelunch.study.config import ConfigError

ROOT = Path(__file__).parents[2]


def test_the_projects_config_says_the_defaults_and_comments_every_key():
    path = ROOT / "config.yaml"
    assert config.read_config(path) == config.check_config({})
    lines = path.read_text().splitlines()
    keys = [number for number, line in enumerate(lines) if line.strip() and "#" not in line]
    sections = {"rate_maps:", "scores:", "compute:"}
    for number in keys:
        assert lines[number] in sections or lines[number - 1].lstrip().startswith("#")


def test_absent_keys_take_defaults_and_numbers_one_type():
    settings = config.check_config(
        {"thresholds": {"position_error": "1e-1"}, "scores": {"surrogates": 5.0}}
    )
    assert settings["thresholds"]["position_error"] == 0.1
    assert settings["thresholds"]["grid_score"] == [0.3, 0.8, 1.15]
    assert isinstance(settings["scores"]["surrogates"], int)
    assert config.check_config(settings) == settings


def test_checking_changes_nothing_it_was_given():
    given = {"thresholds": {"grid_score": [1]}}
    settings = config.check_config(given)
    settings["thresholds"]["grid_score"].append(2.0)
    assert given == {"thresholds": {"grid_score": [1]}}
    assert config.check_config({})["thresholds"]["grid_score"] == [0.3, 0.8, 1.15]


BAD = {
    "unknown key": ({"threshold": {}},
                    "threshold: unknown key; allowed: study, budget, thresholds, ",
                    "(did you mean thresholds?)"),
    "unknown threshold": ({"thresholds": {"grid_cell": 0.8}},
                          "thresholds.grid_cell: unknown key; allowed: position_error, ",
                          "(did you mean grid_cells?)"),
    "error in centimetres": ({"thresholds": {"position_error": 10}},
                             "thresholds.position_error: found 10; allowed: a number > 0 and <= 1"),
    "horizon": ({"thresholds": {"position_error_horizon": 30}},
                "thresholds.position_error_horizon: found 30; allowed: 20, 50"),
    "score out of range": ({"thresholds": {"grid_score": [0.3, 3]}},
                           "thresholds.grid_score[1]: found 3; allowed: a number > 0 and < 2"),
    "scores out of order": ({"thresholds": {"grid_score": [0.8, 0.3]}},
                            "thresholds.grid_score: found [0.8, 0.3]; allowed: numbers in rising"),
    "no scores": ({"thresholds": {"grid_score": []}},
                  "thresholds.grid_score: found []; allowed: a list of at least 1"),
    "one score": ({"thresholds": {"grid_score": 0.8}},
                  "thresholds.grid_score: found 0.8; allowed: a list of at least 1"),
    "threshold that is text": ({"thresholds": {"grid_cells": "high"}},
                               "thresholds.grid_cells: found 'high'; allowed: a number > 0"),
    "not a number": ({"thresholds": {"grid_cells": float("nan")}},
                     "thresholds.grid_cells: found nan; allowed: a finite number"),
    "section without content": ({"thresholds": None},
                                "thresholds: found nothing; allowed: a mapping with keys posit"),
    "bins in centimetres": ({"rate_maps": {"bin_size": 5}},
                            "rate_maps.bin_size: found 5; allowed: a number >= 0.01 and <= 0.25"),
    "surrogates": ({"scores": {"surrogates": -1}},
                   "scores.surrogates: found -1; allowed: a whole number >= 0"),
    "device": ({"compute": {"device": "gpu"}},
               "compute.device: found 'gpu'; allowed: auto, cpu, cuda"),
    "precision": ({"compute": {"device": "cpu", "precision": "tf32"}},
                  "compute.precision: found tf32; allowed: float32, bfloat16, as compute.device"),
    "cohort size": ({"compute": {"cohort_size": 0}},
                    "compute.cohort_size: found 0; allowed: auto or a whole number >= 1"),
    "truth for a number": ({"compute": {"cohort_size": True}},
                           "compute.cohort_size: found true; allowed: auto or a whole number"),
    "number for a study": ({"study": 3}, "study: found 3; allowed: text"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_settings_are_one_line(case):
    settings, *parts = BAD[case]
    with pytest.raises(ConfigError) as caught:
        config.check_config(settings, "config.yaml")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("config.yaml: ")
    for part in parts:
        assert part in message


def test_bad_files_are_one_line(tmp_path):
    path = tmp_path / "config.yaml"
    with pytest.raises(ConfigError, match=r"config\.yaml: cannot be read: No such file"):
        config.read_config(path)
    path.write_text("study: smoke\nstudy: laptop")
    with pytest.raises(ConfigError, match=r"config\.yaml: line 2: .*'study' is given twice"):
        config.read_config(path)


@pytest.mark.parametrize("name", ["config", "study"])
def test_schemas_are_valid_and_describe_every_key(name):
    rules = schema.load_schema(name)
    jsonschema.Draft202012Validator.check_schema(rules)
    undescribed = []

    def walk(rule, where):
        for key, inner in rule.get("properties", {}).items():
            if not inner.get("description"):
                undescribed.append(f"{where}.{key}")
            walk(inner, f"{where}.{key}")
        for inner in (rule.get("additionalProperties"), *rule.get("anyOf", [])):
            if isinstance(inner, Mapping):
                walk(inner, where)
        # A sweep names its keys in propertyNames; every other mapping is closed.
        if rule.get("type") == "object" and "propertyNames" not in rule:
            assert rule["additionalProperties"] is False, where

    walk(rules, name)
    assert undescribed == []


def test_the_page_of_keys_is_up_to_date():
    written = (ROOT / "docs" / "keys.md").read_text(encoding="utf-8")
    assert written == docs_keys.page(), "run python docs/build/keys.py docs/keys.md"


def test_the_page_has_a_row_for_every_key():
    new = docs_keys.page()
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    paths = [
        f"{section}.{key}"
        for section, values in config.items()
        if isinstance(values, dict)
        for key in values
    ]
    assert len(paths) == 10
    for path in ["study", *paths, "defaults.place_cell_width", "sweeps.<name>.sample.count"]:
        assert f"| `{path}` |" in new


def test_numbers_given_as_text_are_numbers():
    given = {"thresholds": {"grid_cells": "0.7"}, "compute": {"cohort_size": "4"}}
    settings = config.check_config(given)
    assert settings["thresholds"]["grid_cells"] == 0.7
    assert settings["compute"]["cohort_size"] == 4
