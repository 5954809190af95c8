"""The list of figures, in the order of the report.

A figure is a module of this package with one public function `draw`, and an entry here. The entry
names the stage whose files the figure reads; None if it needs only the summary and the theory.
"""

FIGURES = {
    "overview": "rate_maps",
    "result_1": None,
    "result_2": "rate_maps",
    "result_3": None,
    "result_4": None,
    "result_5": None,
    "result_6": None,
    "predictions": None,
    "patterns": "patterns",
    "controls": None,
    "chance": "scores",
    "lattices": "rate_maps",
    "learning_curves": "training",
}
