"""Recurrent networks of published models, which train as those of the other studies do."""

from nofreelunch.training.minibatches import Pool
from nofreelunch.training.training_stack import TrainingStack

STACK, POOL = TrainingStack, Pool
