"""The studies that come with the project, and what planning them needs."""

import subprocess
import sys

from nofreelunch.networks.cohorts import Network
from nofreelunch.study import schema, sweeps
from nofreelunch.task import targets


def test_the_schema_knows_every_target_and_key():
    properties = schema.load_schema("study")["properties"]
    keys = properties["defaults"]["properties"]
    assert set(keys["target"]["enum"]) == set(targets.target_names())
    sweep_keys = properties["sweeps"]["additionalProperties"]["propertyNames"]["enum"]
    assert sweep_keys == [*sweeps.NOT_AXES, *keys]


def test_planning_imports_no_torch():
    code = "import sys, nofreelunch.study.plan; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=sweeps.FOLDER.parent)


def test_laptop_study():
    laptop = sweeps.load_study("laptop")
    by_sweep = {name: len(members) for name, members in laptop.sweeps.items()}
    specs = [network.spec for network in laptop.networks]
    plain = [s for s in specs if s["cell"] == "rnn" and s["activation"] == "relu"]
    assert {s["target"] for s in plain} <= set(targets.target_names())
    assert by_sweep["widths"] == 2 * 4
    # Every configuration that a claim rests on has four seeds, none of which the search has seen.
    seeds = {}
    for spec in plain:
        seeds.setdefault(Network(spec | {"seed": 0}).id, set()).add(spec["seed"])
    assert set(map(frozenset, seeds.values())) == {frozenset({10, 11, 12, 13})}
    budget = ("batch_size", "loss_steps", "steps", "schedule")
    trained = [spec for spec in plain if spec["steps"]]
    assert len(plain) - len(trained) == 4  # a control: as they were drawn
    assert len({tuple(spec[key] for key in budget) for spec in trained}) == 1
    assert {s["cell"] for s in specs} == {"rnn", "lstm", "gru", "ugrnn", "srnn", "feedforward"}
    assert {s["activation"] for s in specs} == {"relu", "tanh", "sigmoid", "linear"}
    pool = laptop.trajectories["evaluation"]
    assert pool["count"] * pool["steps"] >= 500 * (2.2 / 0.1) ** 2  # visits of a bin of 10 cm


def test_smoke_study_is_tiny():
    smoke = sweeps.load_study("smoke")
    assert len(smoke.networks) <= 15
    assert max(n.steps * n.units for n in smoke.networks) <= 30 * 16
    assert set(sweeps.study_names()) >= {"laptop", "smoke"}
