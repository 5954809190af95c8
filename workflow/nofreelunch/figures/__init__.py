"""Figures: one module per figure, each with one public function `draw`.

`draw(summary, theory, rate_maps)` takes the study's summary, the theory datasets (one per distinct
target) and a function that opens a file of a cohort by the cohort's name: its rate maps, or what
`SHOWN` of the rules says that the figure needs; it returns a matplotlib figure.
A study that lacks a series gets a panel that says so in words.
"""
