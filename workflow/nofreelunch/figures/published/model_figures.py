"""The figures of the study of published models, in the order of its page.

A figure is a module of this package with one public function `draw`.
"""

FIGURES = (
    "side_by_side",
    "cueva_wei_2018",
    "banino_2018",
    "sorscher_2019",
    "whittington_2020",
    "nayebi_2021",
)
