"""Text -> passages of bounded size, cut where a reader would cut.

A passage ends at a paragraph break if one lies in its second half, else after a sentence,
else at white space, else at the bound. Only white space is lost between passages.
Changing anything here changes what a stored version means: raise `CHUNKER` with it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from veristack_lab.errors import InvalidInput

CHUNKER = "paragraph-sentence/1"
"""Name and version of the rule below."""
MIN_CHUNK_CHARS = 16

_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_SENTENCE = re.compile(r"[.!?。！？][\"')\]]*\s+")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Chunk:
    """A passage: `text == cleaned[start:end]`, never empty, no white space at its ends."""

    no: int
    start: int
    end: int
    text: str


def clean(text: str) -> str:
    r"""The text without unreadable characters.

    Line ends become `\n`, control characters a space, and format characters (zero-width
    spaces, soft hyphens) and unassigned ones vanish. A page of form feeds and zero-width
    spaces, as PDF extraction yields it for a scan, is empty afterwards.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(_readable(c) for c in text).strip()


def _readable(character: str) -> str:
    if character in "\n\t":
        return character
    category = unicodedata.category(character)
    if category == "Cc":
        return " "  # a form feed separates words
    return "" if category in {"Cf", "Cn"} else character


def split(cleaned: str, max_chars: int) -> list[Chunk]:
    """Cut a cleaned text into passages of at most `max_chars` characters.

    Every character that is not white space lies in exactly one passage, in order.

    Raises:
        InvalidInput: `max_chars` is below 16.
    """
    if max_chars < MIN_CHUNK_CHARS:
        raise InvalidInput(f"max_chars must be at least {MIN_CHUNK_CHARS}, not {max_chars}")
    chunks: list[Chunk] = []
    start = _skip_space(cleaned, 0)
    while start < len(cleaned):
        cut = _cut(cleaned, start, max_chars)
        passage = cleaned[start:cut].rstrip()
        chunks.append(Chunk(len(chunks), start, start + len(passage), passage))
        start = _skip_space(cleaned, cut)
    return chunks


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _cut(text: str, start: int, max_chars: int) -> int:
    """Where the passage that begins at `start` ends; at most `max_chars` further."""
    limit = start + max_chars
    if limit >= len(text):
        return len(text)
    # A break may begin exactly at the limit, so one character more is looked at.
    window = text[start : limit + 1]
    for pattern, earliest in (
        (_PARAGRAPH, max_chars // 2),
        (_SENTENCE, max_chars // 2),
        (_SPACE, 1),
    ):
        ends = [_end_of_words(match) for match in pattern.finditer(window)]
        usable = [end for end in ends if earliest <= end <= max_chars]
        if usable:
            return start + usable[-1]
    return limit


def _end_of_words(match: re.Match[str]) -> int:
    """Where the visible part of a match ends: a full stop belongs to its sentence."""
    return match.start() + len(match.group().rstrip())
