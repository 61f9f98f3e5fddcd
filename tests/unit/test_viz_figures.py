"""What holds of every figure before it is drawn; how it looks is measured in tests/browser."""

from __future__ import annotations

import math

import plotly.graph_objects as go
import pytest

from tests.browser.figures import SAMPLES
from veristack_lab.viz.layout import LINE_LETTERS, folded
from veristack_lab.viz.theme import DARK_PAGE, FILLS, LIGHT_PAGE, PALETTE, contrast, ink_on


def axis_of(figure: go.Figure, trace: object, letter: str) -> object:
    name = getattr(trace, f"{letter}axis") or letter
    return figure.layout[f"{letter}axis{name[1:]}"]


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#FFFFFF", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("page", [LIGHT_PAGE, DARK_PAGE])
def test_every_colour_is_seen_on_both_pages(page: str) -> None:
    weak = {name: ratio for name, c in PALETTE.items() if (ratio := contrast(c, page)) < 3}
    assert weak == {}
    assert contrast(PALETTE["ink"], page) > 4.3


def test_what_is_written_on_an_area_is_legible() -> None:
    for colour in (*FILLS.values(), PALETTE["blue"], PALETTE["orange"]):
        assert contrast(ink_on(colour), colour) > 4.5, colour


def test_a_title_is_folded_between_words_and_keeps_its_own_lines() -> None:
    text = "one two<br>" + "word " * 20
    lines = folded(text).split("<br>")
    assert lines[0] == "one two"
    assert max(map(len, lines)) <= LINE_LETTERS
    assert " ".join(lines).split() == text.replace("<br>", " ").split()


@pytest.mark.parametrize("name", SAMPLES)
def test_no_bar_stands_on_a_logarithmic_axis_and_no_zero_is_lost_on_one(name: str) -> None:
    figure = SAMPLES[name]()
    for trace in figure.data:
        for letter in "xy":
            values = getattr(trace, letter, None)
            if trace.type == "heatmap" or axis_of(figure, trace, letter).type != "log":
                continue
            assert trace.type != "bar"
            numbers = [float(value) for value in values if not isinstance(value, str)]
            assert all(number > 0 or math.isnan(number) for number in numbers)


@pytest.mark.parametrize("name", SAMPLES)
def test_titles_are_in_words_and_grounds_are_clear(name: str) -> None:
    figure = SAMPLES[name]()
    title = figure.layout.title.text
    assert title
    assert "_" not in title
    template = figure.layout.template.layout
    for ground in ("paper_bgcolor", "plot_bgcolor"):
        assert (figure.layout[ground] or template[ground]) == "rgba(0,0,0,0)"
