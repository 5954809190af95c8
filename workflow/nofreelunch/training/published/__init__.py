"""Training of the networks of published models, one module per kind.

Each module has `STACK`, its kind of `Stack`, and `POOL`, what that is trained on.
"""
