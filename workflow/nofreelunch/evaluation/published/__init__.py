"""Running the trained networks of published models, one module per kind.

Each module has `RESTORED`, its kind of `evaluation.restored.Restored`.
"""
