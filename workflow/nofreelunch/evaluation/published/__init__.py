"""Running the trained networks of published models, one module per kind.

Each module has `RESTORED`, its kind of `evaluation.restored.Restored`; or, for networks that do not
walk in boxes, a function `measure`.
"""
