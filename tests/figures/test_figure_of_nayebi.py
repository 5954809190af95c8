"""The figure of Nayebi et al.: drawn from any populations, legible, with a table."""

import itertools

import numpy as np
import pytest
from figure_examples import words
from matplotlib.transforms import Bbox
from nayebi_examples import POPULATIONS, summary
from nofreelunch.figures import figure_data
from nofreelunch.figures.published.nayebi_2021 import draw


@pytest.mark.parametrize("populations", [POPULATIONS, ("recorded",)])
def test_it_is_drawn_from_any_populations_and_no_text_lies_on_another(populations):
    drawn = draw({"nayebi_2021": summary(populations)}, {})
    drawn.draw_without_rendering()
    box, (width, height) = drawn.get_tightbbox(), drawn.get_size_inches()
    assert width == pytest.approx(180 / 25.4) and height * 25.4 < 225
    assert box.x0 > -0.02 and box.x1 < width + 0.02
    assert np.isfinite(figure_data.figure_table(drawn)["y"]).any()
    shown = words(drawn)
    assert min(text.get_fontsize() for text in shown) >= 7
    ticks = {id(t) for a in drawn.axes for t in (*a.get_xticklabels(), *a.get_yticklabels())}
    boxes = [(t.get_text(), t.get_window_extent()) for t in shown if id(t) not in ticks]
    for (text, one), (other, two) in itertools.combinations(boxes, 2):
        both = Bbox.intersection(one, two)
        assert both is None or both.width < 1 or both.height < 1, (text, other)
