"""Laws of the chunker: nothing lost, bounds hold, order kept."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from veristack_lab.errors import InvalidInput
from veristack_lab.smartsearch.chunking import clean, split

ALPHABET = st.sampled_from("ab1.!?é漢🙂\"') \n\t\r\x0c\u200b\u00ad") | st.characters(
    exclude_categories=("Cs",)
)
TEXTS = st.text(ALPHABET, max_size=600)
BOUNDS = st.integers(16, 120)


def visible(text: str) -> str:
    return "".join(text.split())


@given(TEXTS, BOUNDS)
@example("x" * 33, 16)
@example("A sentence. Another one. " * 20, 40)
@example("one paragraph\n\nanother paragraph\n\n" * 9, 50)
def test_every_visible_character_lies_in_exactly_one_passage_in_order(text: str, bound: int):
    cleaned = clean(text)
    chunks = split(cleaned, bound)
    assert "".join(visible(chunk.text) for chunk in chunks) == visible(cleaned)
    assert [chunk.no for chunk in chunks] == list(range(len(chunks)))
    assert all(a.end <= b.start for a, b in itertools.pairwise(chunks))
    for chunk in chunks:
        assert chunk.text == cleaned[chunk.start : chunk.end]
        assert chunk.text == chunk.text.strip()
        assert 1 <= len(chunk.text) <= bound


@given(TEXTS, BOUNDS)
def test_the_same_text_is_always_cut_the_same_way(text: str, bound: int):
    assert split(clean(text), bound) == split(clean(text), bound)


@given(TEXTS)
def test_cleaning_twice_changes_nothing(text: str):
    assert clean(clean(text)) == clean(text)


@given(st.text(st.sampled_from(" \n\t\r\x0c\x0b\x07\u200b\u00ad\u2060\ufeff"), max_size=80))
def test_unreadable_text_leaves_no_passage(text: str):
    assert split(clean(text), 40) == []


@given(st.lists(st.text(st.sampled_from("abc "), min_size=1, max_size=12), min_size=1, max_size=40))
def test_words_that_fit_are_not_cut(words: list[str]):
    text = clean(" ".join(words))
    passages = split(text, 16)
    assert [w for p in passages for w in p.text.split()] == text.split()


def test_a_break_between_paragraphs_is_preferred():
    text = "First sentence. Second one.\n\nA new paragraph that goes on and on and on."
    assert next(c.text for c in split(text, 40)) == "First sentence. Second one."


def test_a_bound_that_cannot_hold_a_word_is_refused():
    with pytest.raises(InvalidInput, match="at least 16"):
        split("text", 15)
