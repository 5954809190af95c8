"""What targets, cells, optimisers and surrogates are is read from the source, without torch."""

import ast

import numpy as np
import pytest
from nofreelunch.files import definitions as read
from nofreelunch.networks.cells import STEPS
from nofreelunch.networks.network_stack import ACTIVATIONS
from nofreelunch.networks.recurrence import PHI
from nofreelunch.networks.shapes import cells
from nofreelunch.scoring.surrogates import KINDS, LABELS
from nofreelunch.task import catalogue as module
from nofreelunch.task.catalogue import KEYS, catalogue, facts_of, target_names
from nofreelunch.task.targets import DEFAULTS, REGISTRY, build_target
from nofreelunch.training.optimizers import OPTIMIZERS

ABBREVIATIONS = {
    "difference-of-Gaussians": "DoG",
    "Difference-of-softmaxes": "DoS",
    "Softmax-of-differences": "SoD",
    "High-dimensional": "High-dim.",
}


def test_what_is_read_is_what_is_registered():
    assert set(target_names()) == set(REGISTRY)
    assert set(cells()) == set(STEPS)
    assert list(read.definitions("optimizer")) == list(OPTIMIZERS)
    assert list(read.definitions("surrogate")) == list(KINDS)
    assert {k: facts["label"] for k, facts in read.definitions("surrogate").items()} == LABELS
    assert {*KEYS, "place_cell_centres"} == set(DEFAULTS)  # which most networks lack
    assert set(ACTIVATIONS) == set(PHI)


def test_facts_are_the_literals_of_the_class():
    for name, facts in catalogue().items():
        kind = REGISTRY[name]
        for fact in ("label", "short", "colour", "uses", "centre_surround", "even_cells"):
            assert getattr(kind, fact) == getattr(facts, fact), (name, fact)
        assert facts.summary == kind.__doc__.splitlines()[0]


def test_the_name_in_figures_is_the_name_in_sentences_abbreviated():
    """So one that has met a target in a figure knows it in a claim."""
    for facts in catalogue().values():
        name = facts.label
        for long, short in ABBREVIATIONS.items():
            name = name.replace(long, short)
        assert facts.short.replace("-\n", "-").replace("\n", " ") == name


def test_a_target_uses_the_keys_that_change_its_code():
    """Crossing a target with a key that it does not use adds no network."""
    position = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    other = {
        "place_cells": 64,
        "place_cell_width": 0.2,
        "surround": {"width_ratio": 3.0},
        "amplitude_ratio": 2.0,
        "fields_per_cell": {"poisson": 3},
    }
    for name, facts in catalogue().items():
        plain = build_target({"target": name, "place_cells": 32}, seed=0).encode(position)
        for key, value in other.items():
            spec = {"target": name, "place_cells": 32, key: value}
            changed = build_target(spec, seed=0).encode(position)
            same = changed.shape == plain.shape and np.array_equal(changed, plain)
            assert same == (key not in facts.uses), (name, key)


def test_a_target_without_one_of_its_facts_is_refused_by_name(monkeypatch):
    found = {"mine": {"label": "Mine", "short": "M", "colour": "#000000"}}
    monkeypatch.setattr(module, "definitions", lambda kind: found)
    catalogue.cache_clear()
    try:
        with pytest.raises(ValueError, match=r"target mine: uses: found nothing; allowed: a lit"):
            catalogue()
        found["mine"]["uses"] = ("place_cell",)
        with pytest.raises(ValueError, match=r"target mine: uses: found place_cell; allowed: plac"):
            catalogue()
    finally:
        catalogue.cache_clear()


def test_a_target_that_is_not_defined_has_its_name_in_grey():
    facts = facts_of("ring_of_fields")
    assert (facts.label, facts.short) == ("Ring of fields", "ring of fields")
    assert facts.colour not in [known.colour for known in catalogue().values()]


@pytest.mark.parametrize(
    ("source", "definition"),
    [
        (
            'class A(B):\n    """One.\n\n    Two."""\n\n    name = "a"\n    uses = ()\n',
            ("target", "a"),
        ),
        ('@cell("c", gates=2)\ndef c(): ...\n', ("cell", "c")),
        ('@surrogate("s", label="l")\ndef s(): ...\n', ("surrogate", "s")),
        ('optimizer("o", start=1.0)\n', ("optimizer", "o")),
        ("class A:\n    size = 1\n", None),
        ("def f(): ...\n", None),
        ("log.info('a')\n", None),
    ],
)
def test_forms_of_definitions(source, definition):
    (node,) = ast.parse(source).body
    found = read.read_definition(node)
    assert (found and found[:2]) == definition
