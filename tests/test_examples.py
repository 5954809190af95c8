"""The examples in docstrings run, and every function of the front door has one."""

import doctest
import importlib

import nofreelunch as nfl
import pytest

OTHERS = {"nofreelunch.errors", "nofreelunch.theory.pattern_formation"}
MODULES = sorted({f"nofreelunch.{home}" for home in nfl._HOMES.values()} | OTHERS)


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    module = importlib.import_module(name)
    found = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted > 0 and found.failed == 0


@pytest.mark.parametrize("name", sorted(nfl._HOMES))
def test_every_function_of_the_front_door_has_an_example(name):
    assert ">>> " in getattr(nfl, name).__doc__
