"""The docstrings of the package as reStructuredText, for Sphinx.

They are written for a reader of the source: code in single backticks, examples and drawings set in
by four spaces, sections as Google writes them (Sphinx reads those itself).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

_TICKS = re.compile(r"(?<![`\\:])`([^`]+)`(?![`_])")
_NAME = re.compile(r"[A-Za-z_][\w.]*(\(\))?")
_SECTION = re.compile(r"(Args|Returns|Raises|Yields|Attributes|Note|Example)s?:$")
_PROSE = re.compile(r"^( *)(Returns|Yields):$")
_ITEM = re.compile(r"(-|\d+\.) ")
_MARKUP = re.compile(r"(?<![\w`\\])([*|])(?=\S)|(?<=\w)(_)(?!\w)")


def to_rst(lines: Sequence[str], known: Mapping[str, str] | None = None) -> list[str]:
    """The lines of a docstring as lines of reStructuredText.

    Args:
        lines: the docstring without its indentation.
        known: names that mean the same everywhere, and the objects that they stand for.
    """
    written: list[str] = []
    # One paragraph at a time: code in backticks may go on in the next line.
    for kind, group in groupby(_sorted_out(lines), lambda pair: (pair[0], not pair[1].strip())):
        text = "\n".join(line for _, line in group)
        written += (_marked(text, known or {}) if kind == ("prose", False) else text).split("\n")
    return written


def _sorted_out(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each line with what it is: prose, or an example, which is copied as it stands."""
    seen: list[str] = []
    example: int | None = None  # indentation of the example that is being copied
    section: int | None = None  # indentation of the section that is being read
    for line in lines:
        indent, is_blank = len(line) - len(line.lstrip()), not line.strip()
        if example is not None and (is_blank or indent >= example):
            yield "example", line
            continue
        example = None
        if section is not None and not is_blank and indent <= section:
            section = None
        if _SECTION.match(line.strip()):
            section = indent
            # Prose with a colon in it, which Sphinx would take for the name of a type.
            line = _PROSE.sub(lambda found: f"{found[1]}:{found[2].lower()}:", line)
        elif section is None and not is_blank and _begins_example(seen, indent):
            example = indent
            yield "example", " " * (indent - 4) + "::"
            yield "example", ""
            yield "example", line
            continue
        seen.append(line)
        yield "prose", line


def _begins_example(before: Sequence[str], indent: int) -> bool:
    """Whether a line set in by so much, after these, begins an example."""
    if not before or before[-1].strip():
        return False
    last = next((line for line in reversed(before) if line.strip()), "")
    outer = len(last) - len(last.lstrip())
    return indent >= outer + 4 and not _ITEM.match(last.strip())


def _marked(text: str, known: Mapping[str, str]) -> str:
    """Prose with its code as code: a name may become a link to what it names."""
    parts = _TICKS.split(text)
    for number, part in enumerate(parts):
        if number % 2:
            name = part.removesuffix("()")
            if name in known:
                parts[number] = f":py:obj:`~{known[name]}`"
            elif _NAME.fullmatch(part):
                parts[number] = f":py:obj:`{name}`"
            else:
                parts[number] = f"``{part}``"
        elif "``" not in part:
            parts[number] = _MARKUP.sub(lambda found: f"\\{found[0]}", part)
    return "".join(parts)
