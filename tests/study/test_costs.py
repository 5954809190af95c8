"""Costs against sums by hand, and the memory of a cohort against what a process takes."""

import multiprocessing
import re
from pathlib import Path

import pytest
from nofreelunch.networks import shapes
from nofreelunch.networks.initialize import initialize
from nofreelunch.study import costs
from training_examples import cartesian, make, train, walks


@pytest.mark.parametrize("cell", shapes.cells())
def test_shapes_are_those_of_the_weights(cell):
    spec = make(cell, units=7)
    found = {k: tuple(w.shape[1:]) for k, w in initialize([spec], 9).weights.items()}
    assert costs.weight_shapes(cell, 7, 9) == found


def test_outputs_are_place_cells_or_coordinates():
    assert costs.outputs(make(place_cells=64)) == 64
    assert costs.outputs(cartesian()) == 2


@pytest.mark.parametrize(
    ("cell", "every", "start"),
    [
        # Entries of kernels that act at every step, and on the start: 3 units, 5 place cells.
        ("rnn", 2 * 3 + 3 * 3 + 3 * 5, 5 * 3),
        ("srnn", 2 * 3 + 3 * 3 + 3 * 3 + 3 * 3 + 3 * 5, 5 * 3),
        ("ugrnn", 2 * 3 + 3 * 6 + 3 * 6 + 3 * 3 + 3 * 5, 5 * 3),
        ("gru", 2 * 3 + 3 * 9 + 3 * 9 + 3 * 3 + 3 * 5, 5 * 3),
        ("feedforward", 2 * 3 + 3 * 3 + 3 * 3 + 3 * 5, 0),
        ("lstm", 2 * 3 + 3 * 12 + 3 * 12 + 3 * 3 + 3 * 5, 2 * 5 * 3),
    ],
)
def test_operations_by_hand(cell, every, start):
    """Two per entry and sample, forwards, to the inputs and to the weights."""
    spec = make(cell, units=3, place_cells=5, batch_size=10, sequence_length=4)
    assert costs.operations(spec) == 3 * 2 * 10 * (4 * every + start)


def test_the_read_out_costs_at_loss_steps_alone():
    spec = make(units=3, place_cells=5, batch_size=10, sequence_length=4, loss_steps=3)
    every = 2 * 3 + 3 * 3
    assert costs.operations(spec) == 3 * 2 * 10 * (4 * every + 3 * 3 * 5 + 5 * 3)
    told = make("feedforward", units=3, place_cells=5, batch_size=10, sequence_length=4)
    # Its time steps do not meet: those without a loss are never computed.
    assert costs.operations(told | {"loss_steps": 3}) == 3 / 4 * costs.operations(told)
    keys = {"units": 16, "place_cells": 512, "batch_size": 100, "sequence_length": 20}
    assert costs.training_memory([make(loss_steps=4, **keys)]) < 0.4 * costs.training_memory(
        [make(**keys)]
    )


SIZES = (
    # Nothing is padded.
    ([{}], 1.0),
    ([{"loss_steps": 3}], 1.0),
    ([{"seed": k} for k in range(5)], 1.0),
    # Half of one of two is padding; of three that differ by 1, 2 and 3, three ninths.
    ([{"batch_size": 100}, {"batch_size": 200}], 0.75),
    ([{"batch_size": 10}, {"batch_size": 20}, {"batch_size": 30}], 2 / 3),
    # Networks that have finished leave: a batch of 10 is padded for a tenth of the time only.
    ([{"steps": 10}, {"steps": 1000}], 1.0),
    ([{"batch_size": 10, "steps": 10}, {"batch_size": 20, "steps": 100}], 1 - 10 * 10 / 2200),
    # The large network leaves first, and then nothing is padded any more.
    ([{"batch_size": 10, "steps": 100}, {"batch_size": 20, "steps": 10}], 1200 / 1300),
)


@pytest.mark.parametrize(("differ", "share"), SIZES)
def test_useful_share(differ, share):
    specs = [make(**keys) for keys in differ]
    assert costs.useful_share(specs) == pytest.approx(share)
    assert costs.useful_share(specs[::-1]) == pytest.approx(share)


def test_useful_share_of_lengths_and_cells():
    """Products of units with units, and of cells with the start, are padded less."""
    specs = [make(place_cells=4, sequence_length=2), make(place_cells=8, sequence_length=6)]
    assert 0.5 < costs.useful_share(specs) < 0.75
    useful = sum(map(costs.operations, specs))
    assert costs.useful_share(specs) == pytest.approx(useful / (2 * costs.operations(specs[1])))
    # Coordinates have no cells to pad.
    specs = [cartesian(batch_size=b) for b in (1, 3)]
    assert costs.useful_share(specs) == pytest.approx(4 / 6)


def test_memory_grows_with_networks_and_their_sizes():
    one = make(units=64, place_cells=128)
    assert costs.training_memory([one] * 6) == 6 * costs.training_memory([one])
    for key, value in (("batch_size", 40), ("sequence_length", 30), ("place_cells", 200)):
        assert costs.training_memory([one, one | {key: value}]) > 2 * costs.training_memory([one])
    assert costs.training_memory([one | {"cell": "lstm"}]) > 2 * costs.training_memory([one])


def report_growth(specs, result):
    """In a process of its own: the bytes that training takes beyond what it takes to start."""
    pool = walks(20)
    train([make(specs[0]["cell"], steps=1)], pool)
    before = peak()
    train(specs, pool)
    result.send(peak() - before)


def peak():
    """Bytes that this process has held at most; the resource module counts its parent's as well."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return 1024 * int(found[1])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to read memory from")
@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_memory_is_about_what_a_process_takes(cell):
    keys = {"units": 128, "place_cells": 128, "batch_size": 200, "sequence_length": 20, "steps": 2}
    specs = [make(cell, seed=k, **keys) for k in range(2)]
    context = multiprocessing.get_context("spawn")  # a fork uses memory again that the tests freed
    receiver, sender = context.Pipe(duplex=False)
    job = context.Process(target=report_growth, args=(specs, sender))
    job.start()
    assert receiver.poll(60)
    growth = receiver.recv()
    job.join()
    assert growth / 2 < costs.training_memory(specs) < 2 * growth
