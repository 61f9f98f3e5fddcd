"""The prediction drawn into the picture of what happened."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from veristack_lab.errors import InvalidInput
from veristack_lab.lessons.answers import Entry
from veristack_lab.viz.theme import PALETTE

if TYPE_CHECKING:
    import plotly.graph_objects as go

Axis = Literal["x", "y"]


def marked(figure: go.Figure, entry: Entry, axis: Axis | None = None) -> go.Figure:
    """A copy of a figure, with the prediction and what happened below its title.

    Args:
        figure: what happened.
        entry: a question with its answer and with what was observed.
        axis: the axis that carries what was asked for. A number is marked by a dashed line
            across the plot; so is a choice that is one of the categories of the axis. The axis
            is extended where the line would lie outside. None: no line.

    Raises:
        InvalidInput: the axis is neither "x" nor "y".
    """
    import plotly.graph_objects as go

    if axis not in ("x", "y", None):
        raise InvalidInput(f"the axis of a prediction is 'x', 'y' or None, not {axis!r}")
    assert entry.answer is not None
    assert entry.observed is not None
    copy = go.Figure(figure)
    say = entry.question.say
    who = "default" if entry.is_default else "predicted"
    _put_below_the_title(copy, f"{who}: {say(entry.answer)} · observed: {say(entry.observed)}")
    if axis is not None:
        _draw_line(copy, axis, entry.answer, f"{who} {say(entry.answer)}")
    return copy


def _put_below_the_title(figure: go.Figure, words: str) -> None:
    title = figure.layout.title
    if not title.text:
        title.text = words
    else:
        before = title.subtitle.text
        title.subtitle.text = f"{before}<br>{words}" if before else words
    top = figure.layout.margin.t
    if top is None:
        top = figure.layout.template.layout.margin.t
    figure.layout.margin.t = (80 if top is None else top) + 22


def _draw_line(figure: go.Figure, axis: Axis, value: Any, label: str) -> None:
    scale = figure.layout[f"{axis}axis"]
    is_log = scale.type == "log"
    if isinstance(value, str):
        if value not in _categories(figure, axis):
            return
    elif scale.type == "category" or (is_log and value <= 0):
        return  # a place that this axis does not have; the words below the title tell it
    else:
        _extend(scale, math.log10(value) if is_log else value, value)
    other = "y" if axis == "x" else "x"
    line = {"dash": "dash", "width": 2, "color": PALETTE["purple"]}
    figure.add_shape(
        type="line",
        line=line,
        name="prediction",
        **{f"{axis}ref": axis, f"{axis}0": value, f"{axis}1": value},
        **{f"{other}ref": f"{other} domain", f"{other}0": 0, f"{other}1": 1},
    )
    at = math.log10(value) if is_log and not isinstance(value, str) else value
    along = {"yanchor": "bottom", "xanchor": "right"} if axis == "y" else {"xanchor": "left"}
    figure.add_annotation(
        text=label,
        showarrow=False,
        name="prediction",
        font={"color": PALETTE["purple"]},
        **{f"{axis}ref": axis, axis: at, f"{other}ref": f"{other} domain", other: 1},
        **({"yanchor": "top", "xshift": 4} if axis == "x" else {}),
        **along,
    )


def _categories(figure: go.Figure, axis: Axis) -> set[str]:
    found: set[str] = set()
    for trace in figure.data:
        values = getattr(trace, axis, None)
        found.update(each for each in ([] if values is None else values) if isinstance(each, str))
    return found


def _extend(scale: Any, position: float, value: float) -> None:
    """Let the axis reach the line: `position` is in the units of its range."""
    if scale.range is None:
        scale.autorangeoptions.include = [value]
        return
    low, high = scale.range
    if not (isinstance(low, int | float) and isinstance(high, int | float)):
        return  # dates, and ranges that are open at one end, extend by themselves or not at all
    small, large = min(low, high, position), max(low, high, position)
    scale.range = [small, large] if low <= high else [large, small]
