"""Running the workflow: logs, notices, preflight checks and SLURM. For rules and scripts alone."""
