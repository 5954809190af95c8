"""What a step draws: walks of the pool, their symmetries, dropout; and what has no say in it."""

import itertools

import numpy as np
import pytest
import torch
import xarray as xr
from nofreelunch.task.trajectories import apply_symmetry, random_walk
from nofreelunch.training.minibatches import BLOCK, Dropout, Minibatches, Pool
from nofreelunch.training.training_stack import TrainingStack
from scipy import stats
from training_examples import CPU, LENGTH, make, mixed, train, walks


@pytest.fixture(scope="module")
def walked():
    return walks()


def drawer(walked, specs):
    return Minibatches(Pool(walked, specs, CPU), specs)


def test_minibatches_are_walks_of_the_pool(walked):
    batch = drawer(walked.assign_attrs(symmetries=0), [make(seed=0), make(seed=1)])
    known = {walk.tobytes() for walk in walked["position"].values}
    drawn = torch.stack(
        [batch.draw(step)[0] for step in range(70)]
    )  # more than one block of indices
    assert drawn.shape == (70, 2, LENGTH + 1, 10, 2)
    found = [walk.tobytes() for walk in drawn.transpose(2, 3).reshape(-1, LENGTH + 1, 2).numpy()]
    assert set(found) <= known
    # 1,400 draws from 500 miss a share of exp(-2.8) of them.
    assert len(set(found)) == pytest.approx(500 * 0.94, abs=25)
    assert not torch.equal(drawn[0, 0], drawn[0, 1])
    assert len({step.numpy().tobytes() for step in drawn}) == 70


@pytest.mark.parametrize("symmetries", [0, 1])
def test_symmetries_multiply_the_pool(symmetries, walked):
    one = walked.isel(trajectory=[7]).assign_attrs(symmetries=symmetries)
    many = xr.concat([one] * 100, "trajectory", combine_attrs="override")
    drawn = drawer(many, [make(batch_size=100)]).draw(0)[0][0].transpose(0, 1).numpy()
    walk = one["position"].values[0]
    images = [apply_symmetry(walk, np.full(len(walk), k)) for k in range(8 if symmetries else 1)]
    assert {w.tobytes() for w in drawn} == {np.ascontiguousarray(i).tobytes() for i in images}


def test_walks_and_images_are_equally_likely(walked):
    few = walked.isel(trajectory=slice(20))
    batch = drawer(few, [make(batch_size=20)])
    drawn = torch.cat([batch.draw(step)[0][0].transpose(0, 1) for step in range(5 * BLOCK)]).numpy()
    _, counts = np.unique(drawn.reshape(len(drawn), -1), axis=0, return_counts=True)
    assert len(counts) == 20 * 8  # 40 draws of each
    assert stats.chisquare(counts).pvalue > 1e-3


def test_draws_depend_on_seed_and_step_alone(walked):
    """Not on the steps before, as after a checkpoint, nor on the neighbours in a cohort."""
    specs = mixed()
    together = drawer(walked, specs)
    steps = [0, 1, BLOCK - 1, BLOCK, 5 * BLOCK + 3]
    in_order = {step: together.draw(step)[0] for step in steps}
    for step in reversed(steps):
        assert torch.equal(together.draw(step)[0], in_order[step])
        for k, spec in enumerate(specs):
            alone = drawer(walked, [spec]).draw(step)[0][0]
            length, batch = spec["sequence_length"] + 1, spec["batch_size"]
            assert alone.shape == (length, batch, 2)
            assert torch.equal(in_order[step][k, :length, :batch], alone)


def test_weights_are_one_over_a_network_s_own_samples(walked):
    specs = mixed()
    shares = drawer(walked, specs).weights
    assert shares.shape == (len(specs), LENGTH, 13)
    for share, spec in zip(shares, specs, strict=True):
        length, batch = spec["sequence_length"], spec["batch_size"]
        own = share[:length, :batch]
        assert (own == torch.tensor(1 / (length * batch))).all()
        assert share.count_nonzero() == length * batch


SOME = {"sequence_length": 5, "loss_steps": 4}  # stretches of 1, 1, 2 and 1 time steps


def test_loss_steps_are_drawn_from_their_stretches(walked):
    batch = drawer(walked, [make(**SOME), make(seed=1, sequence_length=4, loss_steps=3)])
    times = torch.stack([batch.draw(step)[1] for step in range(8 * BLOCK)])
    assert times.shape == (8 * BLOCK, 2, 4, 10)
    assert (times[:, :, :2] == torch.tensor([[0], [1]])).all()  # the first two always
    assert (times[:, 0, 3] == 4).all() and (times[:, 1, 3] == 0).all()  # a stretch of one; padding
    for drawn in (times[:, 0, 2, 7], times[:, 1, 2, 7]):
        _, counts = np.unique(drawn, return_counts=True)
        assert len(counts) == 2 and stats.chisquare(counts).pvalue > 1e-3
    assert (times[:, 0, 2] != times[:, 1, 2]).any()  # each network draws its own
    expected = [[1, 1, 2, 1], [1, 1, 2, 0]]
    assert batch.stands_for.tolist() == expected
    samples = torch.tensor([[5 * 10], [4 * 10]])
    torch.testing.assert_close(batch.weights[:, :, 0], torch.tensor(expected) / samples)


def test_a_minibatch_sees_every_time_step(walked):
    batch = drawer(walked, [make(sequence_length=5, loss_steps=3)])  # stretches of 1, 1 and 3
    for step in range(20):
        counts = np.bincount(batch.draw(step)[1][0, 2], minlength=5)
        assert counts[:2].sum() == 0 and set(counts[2:]) == {3, 4}  # 10 samples


def test_loss_steps_depend_on_seed_and_step_alone(walked):
    specs = [make(seed=3, **SOME), make(seed=4), make(seed=5, sequence_length=3)]
    together, alone = drawer(walked, specs), drawer(walked, specs[:1])
    for step in (5 * BLOCK + 3, 0, BLOCK, BLOCK - 1, 1):
        assert torch.equal(together.draw(step)[1][0, :4], alone.draw(step)[1][0])
        assert together.draw(step)[1][1, :, 5].tolist() == [0, 1, 2, 3, 4]
        assert together.draw(step)[1][2, :, 5].tolist() == [0, 1, 2, 0, 0]


def test_dropout_knows_the_time_of_a_loss_step():
    specs = [drops(0.5), drops(0.3, seed=1)]
    times = torch.tensor([[[0, 0], [3, 2], [4, 4]], [[1, 1], [2, 3], [4, 0]]])
    dropout = Dropout(specs, CPU)
    every = dropout.factors("readout", (2, 5, 2, 6))
    some = dropout.factors("readout", (2, 3, 2, 6), times)
    for k, sample in itertools.product(range(2), range(2)):
        assert torch.equal(some[k, :, sample], every[k, times[k, :, sample], sample])


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"loss_steps": 6}, "loss_steps: found 6; allowed: all, or 1 to 5, the sequence_length"),
        (
            {"sequence_length": 20},
            "sequence_length: found 20; allowed: at most 5, the steps of the",
        ),
        ({"batch_size": 501}, "batch_size: found 501, but the pool has only 500 trajectories"),
        ({"arena": 1.1}, "trajectories: found an arena of 2.2 m; allowed: walks in one of 1.1 m"),
        (
            {"periodic": True},
            "trajectories: found an arena with walls; allowed: walks in a periodic arena",
        ),
    ],
)
def test_a_pool_that_does_not_fit_is_refused(keys, expected, walked):
    with pytest.raises(ValueError, match=expected) as error:
        train([make(), make(**keys)], walked)
    assert "\n" not in str(error.value)


def test_a_pool_says_what_it_is(walked):
    with pytest.raises(
        ValueError, match=r"trajectories: found .*`position` and an attribute `arena`"
    ):
        Pool(walked.drop_attrs(), [make()], CPU)
    provenance = Pool(walked.assign_attrs(symmetries=0), [make()], CPU).provenance
    expected = {
        "arena": 2.2,
        "periodic": 0,
        "pool_seed": 1,
        "pool_trajectories": 500,
        "pool_images": 1,
    }
    content = provenance.pop("pool_content")
    assert provenance == expected
    other = walked.assign(position=walked["position"] / 2)
    assert Pool(other, [make()], CPU).provenance["pool_content"] != content


def test_errors_in_training_go_around_the_walls_of_a_periodic_arena():
    """A minibatch, and the same one a side of the arena away, have one error and one loss."""
    pool = random_walk(500, LENGTH, seed=1, periodic=True)
    specs, found = [make(periodic=True)], []
    for shift in (0.0, 2.2):
        moved = pool.assign(position=pool["position"] + shift)
        stack = TrainingStack([0], specs, Pool(moved, specs, CPU), "float32")
        stack.advance(0)
        found.append((stack.position_error().item(), stack.loss.item()))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-4)


def drops(readout=0.0, recurrent=0.0, seed=0):
    return make(dropout={"readout": readout, "recurrent": recurrent}, seed=seed)


def factors(specs, kind, shape, step=0):
    """Factors (network, *shape) of `step`."""
    dropout = Dropout(specs, CPU)
    dropout.step.fill_(step)
    return dropout.factors(kind, (len(specs), *shape))


def lowbias(x):
    """Wellons' hash of 32-bit integers, in unsigned arithmetic."""
    x = np.asarray(x, np.uint32)
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


@pytest.mark.parametrize("kind", ["readout", "recurrent"])
def test_dropout_is_a_hash_of_seed_step_and_place(kind):
    rates, seeds, step, shape = (0.25, 0.6), (3, 2**32 - 1), 2_000_003, (4, 6)
    specs = [drops(**{kind: rate}, seed=seed) for rate, seed in zip(rates, seeds, strict=True)]
    found = factors(specs, kind, shape, step)
    for k, (rate, seed) in enumerate(zip(rates, seeds, strict=True)):
        words = np.random.SeedSequence([seed, 3]).generate_state(2)
        key = lowbias(words[["readout", "recurrent"].index(kind)] ^ lowbias([step]))
        for axis, size in enumerate(shape, 1):
            key = lowbias(key[..., None] ^ lowbias(np.arange(1, size + 1) + 7919 * axis))
        kept = (key[0] & 0x7FFFFFFF) / 2**31 >= rate
        expected = np.where(kept, 1 / (1 - np.float32(rate)), 0)
        np.testing.assert_allclose(found[k], expected, rtol=1e-6)


def test_dropout_keeps_the_expectation():
    """2,000 or 60,000 draws per rate, known to 4 standard errors."""
    specs = [drops(0.5, 0.25), drops(0.1, 0.4, seed=1), drops(0.0, 0.0, seed=2)]
    for kind, shape in (("recurrent", (10, 200)), ("readout", (30, 10, 200))):
        for spec, values in zip(specs, factors(specs, kind, shape), strict=True):
            rate = spec["dropout"][kind]
            # The rate is a float32, and so is the factor.
            kept = values[values != 0]
            np.testing.assert_allclose(kept, 1 / (1 - rate), rtol=3e-7)
            spread = (rate * (1 - rate) / values.numel()) ** 0.5
            assert (values == 0).double().mean() == pytest.approx(rate, abs=4 * spread)


def test_no_dropout_has_no_factors():
    assert factors([drops(), drops(seed=1)], "recurrent", (10, 12)) is None
    assert factors([drops(recurrent=0.5), drops(seed=1)], "readout", (3, 10, 12)) is None


def test_dropout_is_uniform():
    """Rates of 0.1 to 0.9 with one seed: the number of them that drop a unit is its decile."""
    specs = [drops(readout=k / 10) for k in range(1, 10)]
    dropped = (factors(specs, "readout", (30, 10, 200)) == 0).sum(0)
    counts = np.bincount(dropped.flatten(), minlength=10)
    assert stats.chisquare(counts).pvalue > 1e-3


def test_dropout_is_independent_of_all_it_depends_on():
    """From one step, seed, time, trajectory, unit or kind to the next: like two fair coins."""
    specs = [drops(0.5, 0.5, seed) for seed in range(4)]
    masks = torch.stack([factors(specs, "readout", (8, 9, 100), t) for t in range(5)]).double() - 1
    assert set(masks.unique().tolist()) == {-1.0, 1.0}
    pairs = {axis: (masks.narrow(axis, 0, n - 1), masks.narrow(axis, 1, n - 1))
             for axis, n in enumerate(masks.shape)}  # fmt: skip
    other = factors(specs, "recurrent", (9, 100)).double() - 1
    pairs["kind"] = masks[0, :, 0], other
    for axis, (one, next_one) in pairs.items():
        assert abs((one * next_one).mean()) < 4 / one.numel() ** 0.5, axis
    units = masks.flatten(0, 3)
    assert len(units.unique(dim=0)) == len(units)


def test_dropout_does_not_depend_on_the_size_of_the_stack():
    specs = [drops(0.4, seed=1), drops(0.2, seed=2)]
    together = factors(specs, "readout", (5, 7, 30), step=9)
    alone = factors(specs[1:], "readout", (3, 4, 12), step=9)
    assert torch.equal(together[1, :3, :4, :12], alone[0])
