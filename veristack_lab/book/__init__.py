"""The book: notebooks, labs, museum, glossary and API as pages to read without installing anything.

`build` gathers the pages as Markdown and notebooks (`sources`), lets Sphinx make a site of them,
and follows every link between its pages (`links`). Nothing is executed: what the notebooks show is
what is stored in them. The finished site asks no server for anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from veristack_lab.runtime.lazily import lazy_names

if TYPE_CHECKING:
    from veristack_lab.book.builder import build

__all__ = ["build"]

__getattr__, __dir__ = lazy_names(__name__, {"build": "builder"})
