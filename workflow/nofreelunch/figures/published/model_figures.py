"""The figures of the study of published models, in the order of its page.

A figure is a module of this package with one public function `draw`.
"""

FIGURES = ("sorscher_2019", "cueva_wei_2018", "side_by_side")
