"""The questions are about entries that exist, and samples hold every answer."""

from __future__ import annotations

import pytest

from veristack_lab.errors import InvalidInput
from veristack_lab.smartsearch import corpus
from veristack_lab.smartsearch.chunking import clean


def test_every_relevant_entry_exists():
    titles = {source.title for source in corpus.standard_library()}
    questions = corpus.questions()
    assert len(questions) >= 60
    for question in questions:
        assert question.relevant <= titles, question.text
        assert question.relevant


def test_no_question_is_asked_twice():
    texts = [question.text for question in corpus.questions()]
    assert len(set(texts)) == len(texts)


def test_titles_and_requests_are_unique():
    sources = corpus.standard_library()
    assert len({source.request_id for source in sources}) == len(sources)


def test_a_sample_depends_on_its_seed_alone_and_holds_every_answer():
    one, two = corpus.sample(150, 1), corpus.sample(150, 1)
    assert one == two
    assert corpus.sample(150, 2) != one
    wanted = frozenset[str]().union(*(q.relevant for q in corpus.questions()))
    assert wanted <= {source.title for source in one}
    assert len(one) == 150


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_sample_that_cannot_be_drawn_is_refused(size: int):
    with pytest.raises(InvalidInput, match="a sample has"):
        corpus.sample(size, 1)


def test_a_scanned_page_looks_like_text_and_holds_none():
    assert corpus.SCANNED_PAGE.strip() != ""
    assert clean(corpus.SCANNED_PAGE) == ""
