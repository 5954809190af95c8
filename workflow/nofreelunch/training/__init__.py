"""Training: the loop over steps, minibatches, optimisers, learning curves and checkpoints."""
