"""Prompt and citation marks."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import numpy as np

from veristack_lab.errors import EmbeddingFailed
from veristack_lab.smartsearch.answers import Generated, _with_citations, prompt_for
from veristack_lab.smartsearch.embedding import Embedded
from veristack_lab.smartsearch.model import Passage


class ByFirstLetter:
    """Texts (below their title) with the same first letter point the same way."""

    def embed(self, texts: Sequence[str]) -> Embedded:
        rows = np.zeros((len(texts), 26), np.float32)
        for row, text in enumerate(texts):
            rows[row, ord(text.split("\n", 1)[-1].lower()[0]) - ord("a")] = 1
        return Embedded("letters", rows)


class Broken:
    def embed(self, texts: Sequence[str]) -> Embedded:
        raise EmbeddingFailed("gone")


PASSAGES = tuple(
    Passage(uuid.uuid4(), f"doc{n}", 0, text, 0.5)
    for n, text in enumerate(["apples are\nred", "bananas are yellow"])
)


def test_the_prompt_numbers_the_passages_and_ends_with_the_question():
    prompt = prompt_for("which is red?", PASSAGES)
    assert "[1] doc0: apples are red\n[2] doc1: bananas are yellow" in prompt
    assert prompt.index("which is red?") > prompt.index("[2]")


def test_a_sentence_without_a_mark_is_given_the_nearest_passage():
    said = Generated("Bananas are yellow. Apples are red [1]. Cherries too.", "m")
    answer = _with_citations(ByFirstLetter(), "q", said, PASSAGES)
    assert answer.text == "Bananas are yellow. [2] Apples are red [1]. Cherries too."
    assert answer.cited == (1, 2)
    assert answer.passages == PASSAGES
    assert "m" in answer.note


def test_a_mark_of_a_passage_that_does_not_exist_is_dropped():
    answer = _with_citations(ByFirstLetter(), "q", Generated("Zebras run [7].", "m"), PASSAGES)
    assert answer.text == "Zebras run ."
    assert answer.cited == ()


def test_without_embeddings_the_answer_stands_and_says_that_citations_lack():
    answer = _with_citations(Broken(), "q", Generated("Apples are red.", "m"), PASSAGES)
    assert answer.text == "Apples are red."
    assert "incomplete" in answer.note
