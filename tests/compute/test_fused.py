"""Compiled elementwise work against the functions themselves; what a GPU would run, on a CPU."""

import numpy as np
import pytest
import torch
from nofreelunch.compute import fused
from nofreelunch.task import place_cells, targets
from target_examples import PLACE_CELLS
from target_examples import make as make_target
from training_examples import ROUNDING, farthest, make, passes, train, walks, weights


@pytest.fixture(autouse=True)
def fresh():
    """Nothing compiled yet."""
    fused._compiled.cache_clear()
    torch._dynamo.reset()
    yield
    fused._compiled.cache_clear()
    torch._dynamo.reset()


@pytest.fixture
def all_fused(monkeypatch):
    """Every tensor is worth compiling. The tracer, which refuses what a GPU cannot run, is real;
    instead of code for a GPU, it gives the traced operations. Returns the functions compiled."""
    compiled, real = [], torch.compile

    def noted(function, **options):
        compiled.append(function.__name__)
        return real(function, **options)

    for module in (fused, place_cells):
        monkeypatch.setattr(module, "worthwhile", lambda tensor: True)
    monkeypatch.setattr(fused, "BACKEND", "aot_eager")
    monkeypatch.setattr(torch, "compile", noted)
    return compiled


def never(monkeypatch):
    """Nothing is worth compiling."""
    for module in (fused, place_cells):
        monkeypatch.setattr(module, "worthwhile", lambda tensor: False)


def trained(specs):
    with passes("torch"):
        return train(specs, walks())


@pytest.mark.parametrize("target", PLACE_CELLS)
def test_every_place_cell_target_and_its_loss(target, all_fused, monkeypatch, caplog):
    specs = [make(target=target, steps=4, seed=k, place_cells=20 - 4 * k) for k in range(2)]
    found = trained(specs)
    assert {*all_fused} == {"_loss_of_activity", "_update"}
    assert "not compiled" not in caplog.text
    never(monkeypatch)
    expected = trained(specs)
    for k in range(2):
        assert farthest(weights(found, k), weights(expected, k)) < ROUNDING
    np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-5)


@pytest.mark.parametrize("target", PLACE_CELLS)
def test_cells_that_a_network_does_not_have_get_no_gradient(target, all_fused):
    """Not the least one: Adam would make a step of it."""
    specs = [make_target(target, cells=cells) for cells in (20, 12)]
    stack = targets.build_targets(specs, [0, 1]).to("cpu", torch.float32)
    random = np.random.default_rng(0)
    position = torch.from_numpy(random.uniform(-1, 1, (2, 3, 5, 2))).float()
    logits = torch.from_numpy(random.normal(size=(2, 3, 5, 20))).float().requires_grad_()
    loss = stack.loss_at(logits, position, torch.full((2, 3, 5), 1 / 15))
    (gradient,) = torch.autograd.grad(loss.sum(), logits)
    assert all_fused == ["_loss_of_activity"]
    assert (gradient[1, ..., 12:] == 0).all() and (gradient[1, ..., :12] != 0).any()


def test_fused_losses_go_around_the_walls_of_a_periodic_arena(all_fused):
    specs = [make_target("difference_of_softmaxes", cells=20) | {"periodic": True}]
    stack = targets.build_targets(specs, [0]).to("cpu", torch.float32)
    random = np.random.default_rng(0)
    position = torch.from_numpy(random.uniform(-1, 1, (1, 3, 5, 2))).float()
    logits = torch.from_numpy(random.normal(size=(1, 3, 5, 20))).float()
    weights = torch.full((1, 3, 5), 1 / 15)
    found = [stack.loss_at(logits, position + shift, weights) for shift in (0.0, 2.2, -4.4)]
    assert all_fused == ["_loss_of_activity"]
    torch.testing.assert_close(found[1], found[0])
    torch.testing.assert_close(found[2], found[0])


def test_a_target_with_a_loss_or_an_encoding_of_its_own_keeps_it(all_fused):
    class Squared(place_cells.Gaussian):
        def loss(self, output, code, weights=None):
            return (output - code).square().flatten(1).sum(1)

    class Everywhere(place_cells.Gaussian):
        def _encode(self, p, x):
            return torch.full((*x.shape[:2], self.cells), 1 / self.cells)

    position, output, weights = torch.zeros(1, 3, 2), torch.zeros(1, 3, 9), torch.ones(1, 3) / 3
    for own in (Squared, Everywhere):
        stack = targets.build_targets([make_target("gaussian", cells=9)], [0])
        stack = stack.to("cpu", torch.float32)
        stack.__class__ = own
        expected = stack.loss(output, stack.encode(position), weights)
        torch.testing.assert_close(stack.loss_at(output, position, weights), expected)
    assert all_fused == []


def test_all_optimizers_in_one_pass(all_fused, monkeypatch):
    specs = [make(optimizer=o, steps=4) for o in ("adam", "rmsprop", "sgd", "adagrad")]
    found = trained(specs)
    never(monkeypatch)
    expected = trained(specs)
    for k in range(4):
        assert farthest(weights(found, k), weights(expected, k)) < ROUNDING


def test_a_compiler_that_fails_costs_speed_alone(all_fused, monkeypatch, caplog):
    monkeypatch.setattr(fused, "BACKEND", broken)
    found = trained([make(steps=4)])
    never(monkeypatch)
    expected = trained([make(steps=4)])
    assert farthest(weights(found, 0), weights(expected, 0)) == 0
    assert caplog.text.count("_update is not compiled, which is slower") == 1


def broken(graph, inputs):
    raise RuntimeError("no code for this device")


def test_memory_that_runs_out_is_no_fault_of_the_compiler(all_fused, monkeypatch):
    def full(graph, inputs):
        def run(*arguments):
            raise torch.OutOfMemoryError("CUDA out of memory")

        return run

    monkeypatch.setattr(fused, "BACKEND", full)
    with pytest.raises(torch.OutOfMemoryError):
        fused.fused(torch.sin, torch.ones(3), large=torch.ones(3))


def test_small_stacks_and_the_cpu_do_without():
    assert not fused.worthwhile(torch.ones(fused.LEAST))
    small, large = (torch.empty(n, device="meta") for n in (fused.LEAST - 1, fused.LEAST))
    assert not fused.worthwhile(small) and not fused.worthwhile(large)  # not a GPU
