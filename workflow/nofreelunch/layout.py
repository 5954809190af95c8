"""The version of what files hold, apart from `datasets` so that planning need not import xarray."""

LAYOUT = 3  # raised when a stage's dimensions or names change
