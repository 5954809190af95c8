"""The recurrence of simple cells, its gradient by hand against finite differences and a loop."""

import numpy as np
import pytest
import torch
from nofreelunch.networks.recurrence import PHI, SimpleRecurrence
from training_examples import CPU

NETWORKS, SAMPLES, INPUTS, UNITS = 2, 3, 2, 4
FUNCTIONS = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "linear": lambda x: x,
}


def arguments(steps, masked, seed=0):
    """inputs, kernel, start, recurrent, mask in float64, all but the mask with gradients."""
    random = np.random.default_rng(seed)
    shapes = (
        (NETWORKS, steps, SAMPLES, INPUTS),
        (NETWORKS, INPUTS, UNITS),
        (NETWORKS, SAMPLES, UNITS),
        (NETWORKS, UNITS, UNITS),
    )
    tensors = [torch.from_numpy(random.normal(size=shape)).requires_grad_() for shape in shapes]
    mask = torch.from_numpy(2.0 * random.integers(0, 2, shapes[2])) if masked else None
    return *tensors, mask


def loop(inputs, kernel, start, recurrent, mask, activation):
    """One network, sample and step at a time, with torch's own gradients."""
    states = []
    for k in range(NETWORKS):
        of_samples = []
        for i in range(SAMPLES):
            state, path = start[k, i], []
            for now in inputs[k, :, i]:
                seen = state if mask is None else mask[k, i] * state
                state = FUNCTIONS[activation](now @ kernel[k] + seen @ recurrent[k])
                path.append(state)
            of_samples.append(torch.stack(path))
        states.append(torch.stack(of_samples, 1))
    return torch.stack(states)


def smooth(steps, masked, activation):
    """Arguments with no ReLU so close to its kink that a finite difference steps over it."""
    for seed in range(100):
        drawn = arguments(steps, masked, seed)
        if activation != "relu" or _distance_to_kink(*drawn) > 1e-3:
            return drawn
    raise AssertionError("no draw far from the kink")


def _distance_to_kink(inputs, kernel, start, recurrent, mask):
    states = loop(inputs, kernel, start, recurrent, mask, "relu")
    past = torch.cat([start[:, None], states[:, :-1]], 1)
    seen = past if mask is None else past * mask[:, None]
    before = inputs @ kernel[:, None] + seen @ recurrent[:, None]
    return before.abs().min()


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("activation", PHI)
def test_gradient_is_that_of_finite_differences(activation, steps, masked):
    *tensors, mask = smooth(steps, masked, activation)

    def states(*given):
        return SimpleRecurrence.apply(*given, mask, activation)

    assert torch.autograd.gradcheck(states, tensors)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("steps", [1, 5])
@pytest.mark.parametrize("activation", PHI)
def test_states_and_gradients_are_those_of_a_loop(activation, steps, masked):
    *tensors, mask = arguments(steps, masked)
    kept = [tensor.detach().clone() for tensor in tensors]
    states = SimpleRecurrence.apply(*tensors, mask, activation)
    expected = loop(*tensors, mask, activation)
    # float64: sums in another order.
    np.testing.assert_allclose(states.detach(), expected.detach(), rtol=1e-12, atol=1e-13)
    weighting = torch.from_numpy(np.random.default_rng(1).normal(size=states.shape))
    seen = weighting.clone()
    found = torch.autograd.grad(states, tensors, seen)
    known = torch.autograd.grad(expected, tensors, weighting)
    for one, other in zip(found, known, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-11)
    assert torch.equal(seen, weighting)  # what is worked on in place is our own
    assert all(torch.equal(tensor, k) for tensor, k in zip(tensors, kept, strict=True))


def test_a_gradient_may_be_an_expanded_number():
    *tensors, mask = arguments(4, True)
    found = torch.autograd.grad(SimpleRecurrence.apply(*tensors, mask, "tanh").sum(), tensors)
    known = torch.autograd.grad(loop(*tensors, mask, "tanh").sum(), tensors)
    for one, other in zip(found, known, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-11)


def test_inputs_that_need_no_gradient_get_none():
    """The displacements of a walk: their gradient would be a product for nothing."""
    inputs, *tensors, mask = arguments(4, False)
    states = SimpleRecurrence.apply(inputs.detach(), *tensors, mask, "relu")
    assert len(torch.autograd.grad(states.sum(), tensors)) == 3
    assert states.device == CPU and states.shape == (NETWORKS, 4, SAMPLES, UNITS)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_precisions_are_near(dtype):
    *tensors, mask = arguments(5, True)
    exact = loop(*tensors, mask, "tanh")
    rounded = [tensor.to(dtype) for tensor in (*tensors, mask)]
    states = SimpleRecurrence.apply(*rounded, "tanh")
    assert states.dtype == dtype
    # Five steps with kernels whose gain is about 2.
    tolerance = 30 * torch.finfo(dtype).eps
    np.testing.assert_allclose(states.detach().double(), exact.detach(), atol=tolerance)
