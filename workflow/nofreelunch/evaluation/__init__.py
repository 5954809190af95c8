"""Evaluation: rate maps and position errors of trained networks on walks they have not seen."""
