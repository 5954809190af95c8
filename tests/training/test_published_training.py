"""Training of the published models: each learns, is itself in any stack, and survives a kill."""

import importlib
import multiprocessing
import os
import signal

import numpy as np
import pytest
import torch
from nofreelunch.networks.published import cueva_wei
from nofreelunch.training.checkpoints import Checkpoints
from nofreelunch.training.train_published import train_published
from published_examples import KINDS, job, walks


def weights(trained) -> dict[str, np.ndarray]:
    return {name: trained[name].values for name in trained if str(name).startswith("weight_")}


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_falls(kind):
    trained = train_published(job(kind, {"steps": 150}), walks(kind), "cpu")
    loss = trained["loss"].values[0]
    assert loss[-5:].mean() < 0.9 * loss[0]
    assert not trained["diverged"].item()


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_is_itself_in_any_stack(kind):
    alone = train_published(job(kind, {"seed": 3}), walks(kind), "cpu")
    beside = train_published(job(kind, {"seed": 2}, {"seed": 3, "steps": 12}), walks(kind), "cpu")
    for name, values in weights(alone).items():
        np.testing.assert_allclose(beside[name].values[1], values[0], rtol=1e-3, atol=1e-5)


def pair_of(kind, folder=None):
    """Two networks, trained with a checkpoint after each step if there is a folder for them."""
    saved = folder and Checkpoints(folder / "job.nc", 0, "code")
    return train_published(job(kind, {}, {"seed": 1, "steps": 5}), walks(kind), "cpu", saved)


def train_and_die(kind, folder):
    """In a process of its own: training that kills its process in the eighth step."""
    stack = importlib.import_module(f"nofreelunch.training.published.{kind}").STACK
    advance = stack.advance

    def killed(self, step):
        if step == 7:
            os.kill(os.getpid(), signal.SIGKILL)
        advance(self, step)

    stack.advance = killed
    pair_of(kind, folder)


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_training_goes_on_to_the_same_bits(kind, tmp_path):
    dying = multiprocessing.get_context("fork").Process(target=train_and_die, args=(kind, tmp_path))
    dying.start()
    dying.join(60)
    assert dying.exitcode == -signal.SIGKILL
    assert list(tmp_path.glob("*.npz"))
    whole, again = pair_of(kind), pair_of(kind, tmp_path)
    for name, values in weights(whole).items():
        np.testing.assert_array_equal(again[name].values, values)


def test_untrained_networks_are_as_drawn():
    trained = train_published(job("leaky_tanh", {"steps": 0}), walks("leaky_tanh"), "cpu")
    assert not trained["weight_decoder"].values.any()
    assert trained["weight_recurrent"].values.any()


def test_large_gradients_are_clipped_and_small_ones_are_not():
    """By plain descent the change of all weights has the length of rate times clipped gradient."""
    plain = {"optimizer": "sgd", "learning_rate": 1.0, "steps": 1, "metabolic_cost": 0.0}
    for cost, expected in ((1e6, 1.0), (0.0, None)):
        found = job("leaky_tanh", plain | {"weight_cost": cost})
        after = weights(train_published(found, walks("leaky_tanh"), "cpu"))
        before = weights(
            train_published(job("leaky_tanh", plain | {"steps": 0}), walks("leaky_tanh"), "cpu")
        )
        moved = np.sqrt(sum(((after[k] - before[k]) ** 2).sum() for k in after))
        if expected:
            assert moved == pytest.approx(expected, rel=1e-3)
        else:
            assert 0 < moved < 0.9


def test_the_loss_of_one_position_is_its_squared_error_in_units_of_the_outputs():
    free = {"metabolic_cost": 0.0, "weight_cost": 0.0, "sequence_length": 1, "batch_size": 1}
    trained = train_published(job("leaky_tanh", free), walks("leaky_tanh"), "cpu")
    error = trained["position_error"].values / cueva_wei.OUTPUT_UNIT
    np.testing.assert_allclose(trained["loss"].values, error**2 / cueva_wei.OUTPUTS, rtol=1e-5)
    assert trained["weight_decoder"].values.any()


def test_noise_depends_on_seed_and_block_alone_and_not_on_neighbours():
    inputs = torch.zeros(2, 5, 3, 2)
    pair = [dict(KINDS["leaky_tanh"], seed=seed) for seed in (4, 5)]
    both = cueva_wei.noise_of(pair, 7, inputs)
    torch.testing.assert_close(
        cueva_wei.noise_of(pair[1:], 7, inputs[:1])[0], both[1], rtol=0, atol=0
    )
    assert not torch.equal(both[0], both[1])
    assert not torch.equal(cueva_wei.noise_of(pair, 8, inputs), both)
    silent = pair[0] | {"noise": 0.0}
    beside = cueva_wei.noise_of([silent, pair[1]], 7, inputs)
    assert not beside[0].any() and torch.equal(beside[1], both[1])
    assert cueva_wei.noise_of([silent], 7, inputs[:1]) is None


@pytest.mark.parametrize("kind", ["leaky_tanh", "bottleneck_lstm"])
def test_each_update_and_each_network_draws_walks_of_its_own(kind):
    module = importlib.import_module(f"nofreelunch.training.published.{kind}")
    specs = [network.spec for network in job(kind, {}, {"seed": 1}).networks]
    pool = module.POOL(walks(kind), specs, torch.device("cpu"))
    first, later = (pool.minibatch(specs, step)[0] for step in (0, 1))
    assert not torch.equal(first, later) and not torch.equal(first[0], first[1])
    torch.testing.assert_close(pool.minibatch(specs[1:], 1)[0][0], later[1], rtol=0, atol=0)


def test_walks_that_are_too_short_are_refused():
    with pytest.raises(ValueError, match="sequence_length: found 20; allowed: at most 10"):
        train_published(job("leaky_tanh"), walks("leaky_tanh", steps=10), "cpu")
