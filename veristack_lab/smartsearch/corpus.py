"""The default documents: the standard library's own docstrings. And questions about them, written
by hand, with the entries that answer each.
"""

from __future__ import annotations

import functools
import json
import random
from dataclasses import dataclass

from veristack_lab.errors import InvalidInput
from veristack_lab.runtime import paths
from veristack_lab.runtime.stdlib_docs import iter_docstrings
from veristack_lab.smartsearch.intake import MAX_NAME_CHARS

SCANNED_PAGE = "\x0c \u200b\n\x0c\u00ad\u200b \x0c\n"
"""What PDF extraction gives for three scanned pages: form feeds and zero-width characters.
It passes a simple check for blank text, but there is nothing in it to embed."""


@dataclass(frozen=True)
class Source:
    """One document to ingest."""

    request_id: str
    title: str
    text: str


@dataclass(frozen=True)
class Question:
    """A question and the titles of the documents that answer it."""

    text: str
    relevant: frozenset[str]


def title_of(module: str, qualname: str) -> str:
    """The title of an entry, for example `textwrap.dedent`, or `textwrap` for the module."""
    return f"{module}.{qualname}" if qualname else module


def questions() -> list[Question]:
    """The hand-written questions."""
    entries = json.loads(paths.data_file("questions.json").read_text())
    return [
        Question(
            entry["question"],
            frozenset(title_of(r["module"], r["qualname"]) for r in entry["relevant"]),
        )
        for entry in entries
    ]


@functools.cache
def standard_library() -> tuple[Source, ...]:
    """Every documented module, class and function, in the order of the files.

    Reading the sources takes seconds, so a process does it once.
    """
    return tuple(
        Source(
            request_id=f"{entry.module}:{entry.qualname}"[:MAX_NAME_CHARS],
            title=title_of(entry.module, entry.qualname)[:MAX_NAME_CHARS],
            text=entry.text,
        )
        for entry in iter_docstrings()
    )


def sample(size: int, seed: int) -> list[Source]:
    """A seeded sample in random order that holds every answer to the questions.

    Raises:
        InvalidInput: it cannot hold them all, or there are fewer documents.
    """
    everything = standard_library()
    answers = frozenset[str]().union(*(question.relevant for question in questions()))
    wanted = [source for source in everything if source.title in answers]
    others = [source for source in everything if source.title not in answers]
    if not len(wanted) <= size <= len(everything):
        raise InvalidInput(f"a sample has {len(wanted)} to {len(everything)} documents")
    rng = random.Random(seed)
    chosen = wanted + rng.sample(others, size - len(wanted))
    rng.shuffle(chosen)
    return chosen
