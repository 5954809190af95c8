"""Named streams of random numbers: each kind of draw has its own, so no two share numbers."""

import numpy as np

# A stream's number decides what is drawn: never change one, and never use one twice.
PLACE_CELLS = 0  # field centres, widths, projections
WEIGHTS = 1
MINIBATCHES = 2
DROPOUT = 3
SURROGATES = 4
TRAJECTORIES = 5
SAMPLES = 6  # networks in the random sample of a sweep
GRID_MODULES = 7
LATTICE_CLASSES = 8
LOSS_STEPS = 9  # time steps at which a training step sees the loss
CALIBRATION = 10  # maps that show the size and the power of the test for grid cells
CORRECTIONS = 11  # samples behind the corrections of the talks
PATTERNS = 12  # noise that patterns grow from
RESAMPLES = 13  # networks in a resample, where predictions are compared with measurements
EXPLORER = 14  # networks whose units a page has room for
LESIONS = 15  # units that are silenced
NOISE = 16  # of recurrent units while they run
TORUS = 17  # random maps of populations whose torus is tested
GRAPHS = 21  # symbols at the nodes of graphs, and walks there, while networks train
NODE_SURROGATES = 22  # maps over the nodes of graphs
STAYS = 23  # how long a row of a minibatch stays in an environment
TEST_GRAPHS = 24  # symbols and walks where networks are measured
REWARD_WALKS = 30
PREDICTED_CELLS = 31  # synthetic populations of cells
PREDICTORS = 32  # units, noise and features that predict these
BIN_SPLITS = 33  # bins that predictors are fitted to


def generator(seed: int, stream: int, *parts: int) -> np.random.Generator:
    """The random generator of a stream.

    Args:
        seed: the user's seed, >= 0.
        stream: a constant of this module.
        parts: numbers that split the stream further, such as the number of a block.
    """
    return np.random.default_rng([seed, stream, *parts])
