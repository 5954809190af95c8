"""Figures: one module per figure, each with one public function `draw`.

`draw` takes the study's summary, the theory datasets (one per distinct target), and a function that
opens a cohort's file by the cohort's name. `contents.FIGURES` names the stage of these files.
`draw` returns a matplotlib figure. If a study lacks a series, the panel says so in words.
"""
