"""Training on graphs: environments follow from seeds, states are carried, and losses are masked."""

import numpy as np
import pytest
import torch
from nofreelunch import seeds
from nofreelunch.evaluation.published.graph_memory import _environment as measured_environment
from nofreelunch.training.published.graph_memory import Environments, GraphWalks, MemoryStack
from published_examples import GRAPHS


def stack(**keys) -> MemoryStack:
    spec = GRAPHS | {"steps": 50, "weight_decay": 0.0} | keys
    return MemoryStack([0], [spec], GraphWalks(None, [spec], torch.device("cpu")), "float32")


def test_a_chunk_follows_from_the_seed_and_its_number_alone():
    spec = GRAPHS | {"steps": 50}
    one, late = Environments(spec), Environments(spec)
    for step in range(20):
        chunk = one.chunk(step)
    for found, expected in zip(late.chunk(19), chunk, strict=True):
        np.testing.assert_array_equal(found, expected)
    other = Environments(spec | {"seed": 1}).chunk(19)
    assert not np.array_equal(other.symbol, chunk.symbol)


def test_no_two_draws_of_training_and_measuring_share_random_numbers(monkeypatch):
    drawn, generator = [], seeds.generator

    def recorded(*numbers):
        drawn.append(tuple(np.trim_zeros(numbers, "b")))  # zeros at the end change no stream
        return generator(*numbers)

    monkeypatch.setattr(seeds, "generator", recorded)
    environments = Environments(GRAPHS | {"steps": 20})
    for step in range(20):
        environments.chunk(step)
    for side in (2, 3):
        measured_environment(environments.spec, side, seed=0, row=0)
    assert len(drawn) > 10 and len(set(drawn)) == len(drawn)


def test_environments_follow_each_other_and_forget_what_was_visited():
    spec = GRAPHS | {"steps": 60}
    chunks = [Environments(spec).chunk(step) for step in range(60)]
    fresh = np.stack([chunk.fresh for chunk in chunks])
    assert fresh[0].all()
    for row in fresh.T:
        lengths = np.diff(np.flatnonzero(row))
        assert set(lengths) <= {2, 3, 4} and len(set(lengths)) > 1
    for step, row in zip(*np.nonzero(fresh), strict=True):
        assert chunks[step].action[row, 0] == 4  # stays
        assert not chunks[step].visited[row, 0]
    seen = np.mean([chunk.visited for chunk in chunks])
    assert 0.5 < seen < 0.95


def test_a_row_that_begins_anew_knows_nothing_of_the_environment_before():
    one, other = stack(), stack()
    for part in other.state:
        part.add_(0.5)
    one.advance(0)  # all rows begin
    other.advance(0)
    torch.testing.assert_close(one.loss, other.loss, rtol=0, atol=0)
    for part in other.state:
        part.mul_(0.5)
    one.advance(1)  # none does: each environment lasts two chunks at least
    other.advance(1)
    assert not torch.equal(one.loss, other.loss)


def visiting(networks: MemoryStack, visited) -> None:
    """Let these steps (row, time), and no others, be at visited nodes."""
    chunk = networks.environments[0].chunk
    networks.environments[0].chunk = lambda step: chunk(step)._replace(visited=visited)


def test_steps_at_nodes_that_were_not_visited_have_no_gradient():
    networks = stack(optimizer="sgd", learning_rate=1.0)
    before = {name: weight.clone() for name, weight in networks.weights.items()}
    visiting(networks, np.zeros((8, 10), bool))
    networks.advance(0)
    assert networks.loss == 0
    for name, weight in networks.weights.items():
        assert torch.equal(weight, before[name]), name
    one = np.zeros((8, 10), bool)
    one[3, 6] = True
    visiting(networks, one)
    networks.advance(0)
    assert networks.loss > 0
    assert not torch.equal(networks.weights["read_out"], before["read_out"])


def test_the_curve_is_of_predictions_and_nobody_is_asked_for_a_position():
    networks = stack()
    networks.advance(0)
    assert networks.loss.item() == pytest.approx(np.log(6), rel=0.2)  # six symbols, and no memory
    assert networks.position_error().isnan().all()


def test_the_state_is_saved_with_the_weights():
    networks = stack()
    networks.advance(0)
    saved = dict(zip(networks._names(), networks._state(), strict=True))
    assert len(saved) == len(networks._names())
    for name, part in networks.state._asdict().items():
        assert torch.equal(saved[f"carried_{name}"], part) and not part.requires_grad
