"""Markdown of the notebooks and labs, with links to the other pages of the book.

`notebook 04` and `lab 02` become links, and so does a word in *italics* that the glossary explains:
that is how the notebooks mark a word where they explain it. A link to a file that is not a page
of the book is shown as the name of that file.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

_CODE = re.compile(r"(```.*?```|``[^`]+``|`[^`\n]+`|!?\[[^\]\n]*\]\([^)\n]*\))", re.DOTALL)
_LINK = re.compile(r"\[([^\]\n]*)\]\(([^)\s]+)\)")
_NOTEBOOK = re.compile(r"\b([Nn]otebooks? )(\d\d)\b")
_LAB = re.compile(r"\b([Ll]abs? )(\d\d)\b")
_ITALIC = re.compile(r"(?<![*\w])\*([^*\n]+)\*(?![*\w])")
_ELSEWHERE = re.compile(r"[a-z]+:|#")


@dataclass(frozen=True)
class Book:
    """The pages that can be linked to, each named by its path in the book without an ending."""

    pages: Mapping[str, str]
    """The file of each page: with an ending."""
    notebooks: Mapping[str, str]
    """Page of each notebook by its number, such as `04`."""
    labs: Mapping[str, str]
    """Page of each lab by its number."""
    terms: Collection[str] = frozenset()
    """Terms of the glossary, in lower case."""


def linked(text: str, page: str, book: Book, origin: str | None = None) -> str:
    """The text of a page with its links made; code is left as it is.

    Args:
        text: Markdown.
        page: path of the page below the book, without its ending.
        book: what can be linked to.
        origin: path of the text's file in the project, if it is not the page's own.
    """
    parts = _CODE.split(text)
    for number, part in enumerate(parts):
        if number % 2 == 0:
            parts[number] = _with_links(part, page, book)
        elif part.startswith("["):
            parts[number] = _LINK.sub(_retarget(page, book, origin or page), part)
    return "".join(parts)


def _with_links(text: str, page: str, book: Book) -> str:
    def to(known: Mapping[str, str]) -> Callable[[re.Match[str]], str]:
        def link(found: re.Match[str]) -> str:
            target = known.get(found[2])
            if target is None or target == page:
                return found[0]
            return f"[{found[1]}{found[2]}]({address(target, page, book)})"

        return link

    def term(found: re.Match[str]) -> str:
        if found[1].lower() not in book.terms:
            return found[0]
        return f"{{term}}`{found[1]} <{found[1].lower()}>`"

    text = _ITALIC.sub(term, text)
    return _LAB.sub(to(book.labs), _NOTEBOOK.sub(to(book.notebooks), text))


def _retarget(page: str, book: Book, origin: str) -> Callable[[re.Match[str]], str]:
    def link(found: re.Match[str]) -> str:
        words, target = found[1], found[2]
        if _ELSEWHERE.match(target):
            return found[0]
        path, _, place = target.partition("#")
        file = posixpath.normpath(posixpath.join(posixpath.dirname(origin), path))
        wanted = next((each for each in _names(file) if each in book.pages), None)
        if wanted is None:
            return f"{words} (`{file}`)"
        return f"[{words}]({address(wanted, page, book)}{'#' * bool(place)}{place})"

    return link


def _names(file: str) -> tuple[str, ...]:
    """The pages that a file of the project may have become."""
    stem = posixpath.splitext(file)[0]
    folder = posixpath.dirname(file) if posixpath.basename(stem) == "README" else file
    return stem, folder, posixpath.join(folder, "index")


def address(target: str, page: str, book: Book) -> str:
    """The link from one page to another, as MyST wants it: a relative path with its ending."""
    return posixpath.relpath(book.pages[target], posixpath.dirname(page) or ".")
