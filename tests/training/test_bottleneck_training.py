"""Training of the networks of Banino et al.: dropout, clipping, weight decay, the optimiser."""

import numpy as np
import pytest
import torch
from nofreelunch.networks.published import banino
from nofreelunch.training.published.bottleneck_lstm import (
    BottleneckStack,
    ForagingWalks,
    MomentumRMSprop,
)
from nofreelunch.training.train_published import train_published
from published_examples import job, walks

KIND = "bottleneck_lstm"


def stack(*changes: dict) -> BottleneckStack:
    specs = [network.spec for network in job(KIND, *changes).networks]
    pool = ForagingWalks(walks(KIND), specs, torch.device("cpu"))
    return BottleneckStack(range(len(specs)), specs, pool, "float32")


def limited(change: dict, size: float) -> dict[str, torch.Tensor]:
    """Gradients of `size`, after decay and clipping."""
    found = stack(change)
    gradients = [torch.full_like(weight, size) for weight in found.weights.values()]
    return dict(zip(found.weights, found._limited(gradients), strict=True))


def test_gradients_are_clipped_where_the_scope_says():
    no_decay = {"decay_scope": "none"}
    for name, gradient in limited({"clip_scope": "heads", **no_decay}, 5.0).items():
        expected = 0.1 if name in banino.HEADS else 5.0
        torch.testing.assert_close(gradient, torch.full_like(gradient, expected))
    everywhere = limited({"clip_scope": "all", **no_decay}, -5.0)
    assert all((gradient == -0.1).all() for gradient in everywhere.values())
    small = limited({"clip_scope": "all", **no_decay}, 0.01)
    assert all((gradient == 0.01).all() for gradient in small.values())


def test_weights_of_the_heads_decay_and_no_others_do():
    found = stack({"weight_decay": 0.3, "clip": 10.0})
    after = limited({"weight_decay": 0.3, "clip": 10.0}, 0.0)
    for name, weight in found.weights.items():
        expected = 0.3 * weight if name in ("place", "direction") else torch.zeros_like(weight)
        torch.testing.assert_close(after[name], expected.detach())
    without = limited({"weight_decay": 0.3, "decay_scope": "none"}, 0.0)
    assert not any(gradient.any() for gradient in without.values())


def test_the_optimiser_is_that_of_torch():
    """torch adds its small constant to the root; here it is too small to matter."""
    found, rate = stack({"learning_rate": 0.01}), torch.tensor([0.01])
    weights = {"bias": torch.randn(1, 1, 5)}
    mine = MomentumRMSprop(found.specs, weights)
    reference = weights["bias"].clone().requires_grad_()
    theirs = torch.optim.RMSprop([reference], lr=0.01, alpha=0.9, momentum=0.9, eps=1e-12)
    for _ in range(20):
        gradient = torch.randn(1, 1, 5)
        reference.grad = gradient.clone()
        theirs.step()
        mine.update(weights, [gradient], rate, torch.ones(1, 1, 1, dtype=torch.bool))
    torch.testing.assert_close(weights["bias"], reference.detach(), rtol=1e-4, atol=1e-5)


def test_the_optimiser_leaves_a_network_that_diverged():
    found, weights = stack({}, {"seed": 1}), {"bias": torch.ones(2, 1, 3)}
    optimiser, alive = MomentumRMSprop(found.specs, weights), torch.tensor([True, False])
    gradient = torch.tensor([1.0, torch.nan])[:, None, None].expand(2, 1, 3)
    optimiser.update(weights, [gradient], torch.full((2,), 0.1), alive[:, None, None])
    assert (weights["bias"][0] < 1).all() and (weights["bias"][1] == 1).all()


def test_dropout_changes_training_and_its_rate_counts():
    """The talk's networks were given a dropout that dropped nothing."""
    rates = [{"dropout": rate} for rate in (0.0, 0.2, 0.5)]
    found = train_published(job(KIND, *rates), walks(KIND), "cpu")
    bottleneck = found["weight_bottleneck"].values
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(bottleneck[first] - bottleneck[second]).max() > 1e-4


def test_the_loss_is_both_cross_entropies_at_the_times_of_the_update():
    found = stack({"dropout": 0.0})
    found.advance(1)
    again = stack({"dropout": 0.0})
    position, heading = again.pool.minibatch(again.specs, 1)
    start = [again.target.encode(position[:, 0]), again.directions.encode(heading[:, 0])]
    inputs = banino.inputs_of(position, heading, again.pool.time_step)
    _, activity = again.networks.run(torch.cat(start, -1), inputs)
    heads = again.networks.read_out(activity)
    codes = again.target.encode(position[:, 1:]), again.directions.encode(heading[:, 1:])
    expected = sum(
        -(code * torch.log_softmax(head, -1)).sum(-1)[:, 1::2].mean((1, 2))
        for head, code in zip(heads, codes, strict=True)
    )
    torch.testing.assert_close(found.loss, expected.detach(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "steps", "said"),
    [
        ({}, 10, "sequence_length: found 20; allowed: at most 10, as walked"),
        ({"loss_every": 21}, 20, "loss_every: found 21; allowed: at most 20, the sequence_length"),
    ],
)
def test_what_cannot_be_trained_is_one_line(change, steps, said):
    with pytest.raises(ValueError) as caught:
        train_published(job(KIND, change), walks(KIND, steps=steps), "cpu")
    assert str(caught.value) == said
