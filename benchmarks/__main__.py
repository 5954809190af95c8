"""All benchmarks that this machine can run: `python benchmarks`, or `make benchmark`."""

import logging
import os

import gpu
import one_core
import planning
import scoring
import tables
import torch
import training

logging.basicConfig(level=logging.INFO, format="%(message)s")
tables.record("training", training.run)
if hasattr(os, "sched_setaffinity"):  # Linux can hold a process to one core
    tables.record("one_core", one_core.run)
if torch.cuda.is_available():
    tables.record("gpu", gpu.run)
tables.record("scoring", lambda: {"sizes": scoring.run()})
tables.record("planning", planning.run)
