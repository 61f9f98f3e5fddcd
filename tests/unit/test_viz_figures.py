"""What holds of every figure before it is drawn; how it looks is measured in tests/browser."""

from __future__ import annotations

import math
from pathlib import Path

import plotly.graph_objects as go
import pytest

import veristack_lab
from tests.browser.figures import SAMPLES
from veristack_lab.viz.layout import LINE_LETTERS, folded
from veristack_lab.viz.theme import (
    DARK_PAGE,
    FILLS,
    HOVER_GROUND,
    INKS,
    LIGHT_INK,
    LIGHT_PAGE,
    PALETTE,
    contrast,
    dark_rule,
    ink_on,
)


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


GROUNDS = sorted({*PALETTE.values(), *FILLS.values()} - {PALETTE["ink"]})


def test_every_text_is_legible_on_what_it_stands_on() -> None:
    pairs = {f"text on {page}": (ink, page) for page, ink in INKS.items()}
    pairs |= {f"text on {colour}": (ink_on(colour), colour) for colour in GROUNDS}
    pairs["text on a hover label"] = (LIGHT_INK, HOVER_GROUND)
    weak = {name: contrast(*pair) for name, pair in pairs.items() if contrast(*pair) < 4.5}
    assert weak == {}


def test_no_single_ink_would_do() -> None:
    greys = (f"#{level:02X}{level:02X}{level:02X}" for level in range(256))
    best = max(min(contrast(grey, page) for page in INKS) for grey in greys)
    assert best == pytest.approx(4.34, abs=0.02)


def test_dark_pages_of_the_lab_know_the_ink_of_dark_pages() -> None:
    package = Path(veristack_lab.__file__).parent
    styles = (package / "widgets" / "command_view.css").read_text()
    assert f'body[data-jp-theme-light="false"] {dark_rule()}' in styles
    report = (package / "tour" / "report.html.j2").read_text()
    dark = report.split("@media (prefers-color-scheme: dark) {")[1].split("\n  }\n")[0]
    assert dark_rule() in dark


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
