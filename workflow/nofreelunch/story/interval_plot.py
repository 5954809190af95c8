"""A claim's estimates and their intervals beside the talk's number, drawn as SVG."""

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

WIDTH, LEFT, RIGHT = 340, 12, 328  # px: the width of a phone, so that text keeps its size there
ROW, MIDDLE, BOTTOM = 40, 27, 24  # px: of a row, of its marks, of the axis
STEPS = 6  # of the axis, at most
NO_EFFECT = {"ratio": 1.0, "area": 0.5}  # 0 for all other units
SCALE = {"share": 100.0, "difference": 100.0, "m": 100.0}
ENDING = {"share": " %", "difference": " points", "m": " cm"}


class IntervalRow(NamedTuple):
    """An estimate: its name, value and bounds (NaN where there are none), and all that as text."""

    name: str
    value: float
    low: float
    high: float
    text: str


def interval_plot(rows: Sequence[IntervalRow], unit: str, talk: float, title: str) -> str:
    """An SVG element with a dot and a whisker per row, and the talk's number in the first one.

    The talk's number is an open diamond, so the drawing is read without colours. Rows without a
    value are left out; so is a number of the talk that is NaN. Empty where no row has a value.

    Args:
        rows: the estimates, from top to bottom.
        unit: their unit, as in `verdicts.Evidence`. Shares and differences are drawn in %, m in cm.
        talk: the talk's number, in the same unit.
        title: what the drawing says, for readers who do not see it.

    >>> interval_plot([IntervalRow("a", 0.1, 0.05, 0.2, "10 %")], "share", 0.0, "A title")[:4]
    '<svg'
    """
    shown = [row for row in rows if math.isfinite(row.value)]
    if not shown:
        return ""
    scale, nought = SCALE.get(unit, 1.0), NO_EFFECT.get(unit, 0.0)
    values = [v for row in shown for v in row[1:4]]
    known = [scale * v for v in (*values, talk, nought) if math.isfinite(v)]
    marks = ticks(min(known), max(known))

    def x(value: float) -> float:
        share = (scale * value - marks[0]) / (marks[-1] - marks[0])
        return round(LEFT + (RIGHT - LEFT) * share, 1)

    floor = ROW * len(shown)
    parts = _axis(marks, lambda tick: x(tick / scale), floor, ENDING.get(unit, ""))
    for index, row in enumerate(shown):
        parts += _row(row, x, nought, ROW * index)
    if math.isfinite(talk):
        parts.append(f'<path d="M{x(talk)} {MIDDLE - 8}l8 8l-8 8l-8 -8z" class="talk"/>')
    head = f'<svg class="plot" viewBox="0 0 {WIDTH} {floor + BOTTOM}" role="img"'
    return f'{head} aria-label="{escape(title)}">{"".join(parts)}</svg>'


def ticks(low: float, high: float) -> list[float]:
    """Round numbers at equal steps, from `low` or less to `high` or more: seven or fewer.

    >>> ticks(-3.2, 11.0)
    [-5.0, 0.0, 5.0, 10.0, 15.0]
    """
    span = (high - low) or 1.0
    power = 10.0 ** math.floor(math.log10(span))
    for step in (power * k for k in (0.1, 0.2, 0.5, 1, 2, 5)):
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if max(last, first + 1) - first <= STEPS:
            break
    return [round(step * k, 10) for k in range(first, max(last, first + 1) + 1)]


def _axis(
    marks: Sequence[float], x: Callable[[float], float], floor: int, ending: str
) -> list[str]:
    parts = [f'<path d="M{LEFT} {floor}H{RIGHT}" class="axis"/>']
    for number, mark in enumerate(marks):
        last = number == len(marks) - 1
        anchor = "end" if last else "middle" if number else "start"
        at = {"start": 0.0, "end": float(WIDTH)}.get(anchor, x(mark))
        parts.append(f'<path d="M{x(mark)} {floor}v4" class="axis"/>')
        label = f"{mark:g}".replace("-", "−") + ending * last
        parts.append(_text(at, floor + 17, label, anchor))
    return parts


def _row(row: IntervalRow, x: Callable[[float], float], nought: float, top: int) -> list[str]:
    middle = top + MIDDLE
    parts = [_text(0, top + 13, row.name, "start"), _text(WIDTH, top + 13, row.text, "end")]
    parts.append(f'<path d="M{x(nought)} {middle - 9}V{top + ROW}" class="nought"/>')
    if math.isfinite(row.low) and math.isfinite(row.high):
        low, high = x(row.low), x(row.high)
        ends = "".join(f"M{end} {middle - 4}v8" for end in (low, high))
        parts.append(f'<path d="M{low} {middle}H{high}{ends}" class="whisker"/>')
    return [*parts, f'<circle cx="{x(row.value)}" cy="{middle}" r="4" class="dot"/>']


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'
