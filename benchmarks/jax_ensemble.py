"""What the engine is compared with: networks that train side by side, as one would write it in JAX.

The equations are those of `baseline.py`. `jax.vmap` runs over networks, `jax.lax.scan` over time,
and optax has the loss and the optimiser. Displacements are multiplied by their kernel before the
scan, and what a call returns takes the place of what it was given.

`WAYS` are ways to write the rest. "plain" is what one would write first: networks side by side,
squared distances by their formula, and one step per compiled call. The others are what timing on a
CPU leads to. There, a squared distance is a sum of two terms, because XLA is slow to sum over an
axis of two, and one call takes several steps.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
from baseline import BATCH, LEARNING_RATE, SURROUND, WEIGHT_DECAY, WIDTH
from jax import Array
from nofreelunch.task.trajectories import ARENA

ADAM = optax.adam(LEARNING_RATE, eps=1e-7)

Weights = dict[str, Array]


def distance_as_norm(position: Array, centres: Array) -> Array:
    """Squared distance (..., cell) from positions (..., 2) to centres (cell, 2)."""
    return jnp.square(position[..., None, :] - centres).sum(-1)


def distance_by_axis(position: Array, centres: Array) -> Array:
    """The same as `distance_as_norm`, one axis after the other."""
    x, y = position[..., :1], position[..., 1:]
    return jnp.square(x - centres[:, 0]) + jnp.square(y - centres[:, 1])


def difference_of_softmaxes(distance: Array) -> Array:
    """Place-cell code (..., cell) at squared distances (..., cell) from the cells' centres."""
    centre = jax.nn.softmax(-distance / (2 * WIDTH**2))
    code = centre - jax.nn.softmax(-distance / (2 * SURROUND**2))
    code = code - code.min(-1, keepdims=True)
    return code / code.sum(-1, keepdims=True)


def loss(weights: Weights, code: Array, velocity: Array) -> tuple[Array, Array]:
    """Loss of a network, with and without weight decay.

    `code` is (time, sample, cell), from the start on; `velocity` is (time, sample, 2), m.
    """

    def advance(state: Array, inputs: Array) -> tuple[Array, Array]:
        state = jax.nn.relu(inputs + state @ weights["recurrent"])
        return state, state

    start = code.shape[-1] * code[0] @ weights["encoder"]
    _, activity = jax.lax.scan(advance, start, velocity @ weights["input"])
    found = optax.softmax_cross_entropy(activity @ weights["decoder"], code[1:]).mean()
    return found + WEIGHT_DECAY * jnp.square(weights["recurrent"]).sum(), found


def in_turn(train: Callable) -> Callable:
    """Like `jax.vmap`, but one network after the other, which XLA may compile to faster code."""
    return lambda *of_networks: jax.lax.map(lambda of_one: train(*of_one), of_networks)


WAYS = {
    "plain": {"distance": distance_as_norm, "over": jax.vmap},
    "vmap": {"distance": distance_by_axis, "over": jax.vmap},
    "in_turn": {"distance": distance_by_axis, "over": in_turn},
}


class Ensemble:
    """Networks of `units` units and `cells` place cells, and a pool of walks to learn from.

    `walks` is (trajectory, time, axis) in m, float32. `way` is a key of `WAYS`. One call of `step`
    takes `steps` training steps. Weights are (network, input, output).
    """

    def __init__(
        self,
        walks: np.ndarray,
        networks: int,
        units: int,
        cells: int,
        batch: int = BATCH,
        way: str = "plain",
        steps: int = 1,
        optimizer: optax.GradientTransformation = ADAM,
    ) -> None:
        distance, over = WAYS[way]["distance"], WAYS[way]["over"]

        def train(weights: Weights, moments, centres: Array, position: Array):
            code = difference_of_softmaxes(distance(position, centres))
            velocity = position[1:] - position[:-1]
            gradients, found = jax.grad(loss, has_aux=True)(weights, code, velocity)
            updates, moments = optimizer.update(gradients, moments, weights)
            return optax.apply_updates(weights, updates), moments, found

        def learn(state, centres: Array, position: Array):
            weights, moments, losses = over(train)(*state, centres, position)
            return (weights, moments), losses

        def step(state, key: Array, centres: Array, walks: Array):
            def advance(state, key: Array):
                chosen = jax.random.randint(key, (networks, batch), 0, len(walks))
                return learn(state, centres, walks[chosen].swapaxes(1, 2))

            key, now = jax.random.split(key)
            state, losses = jax.lax.scan(advance, state, jax.random.split(now, steps))
            return state, key, losses

        self._learn, self._step = jax.jit(learn), jax.jit(step, donate_argnums=(0, 1))
        self.walks, (self.key, *keys) = jnp.asarray(walks), jax.random.split(jax.random.key(0), 6)
        sizes = {"encoder": (cells, units), "input": (2, units)}
        sizes |= {"recurrent": (units, units), "decoder": (units, cells)}
        weights = {
            name: jax.random.uniform(key, (networks, *size), minval=-1.0) / np.sqrt(max(size))
            for (name, size), key in zip(sizes.items(), keys, strict=False)
        }
        places = jax.random.uniform(keys[-1], (networks, cells, 2), minval=-1.0)
        self.centres = places * ARENA / 2
        self.state = weights, jax.vmap(optimizer.init)(weights)

    def step(self) -> None:
        """Take `steps` training steps on minibatches from the pool."""
        self.state, self.key, losses = self._step(self.state, self.key, self.centres, self.walks)
        losses.block_until_ready()

    def learn(self, position: Array) -> Array:
        """Take one step on positions (network, time, sample, 2); returns losses without decay."""
        self.state, losses = self._learn(self.state, self.centres, position)
        return losses
