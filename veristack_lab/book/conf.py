"""Sphinx's configuration of the book. Sphinx reads this file; the lab does not import it."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from typing import Any

from veristack_lab import errors
from veristack_lab.book.api import is_ours
from veristack_lab.book.docstrings import to_rst

project = "VeriStack Lab"
author = "The VeriStack Lab authors"
release = importlib.metadata.version("veristack-lab")
copyright = author  # noqa: A001 - Sphinx's name

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
# What stays is what the notebook stores.
nb_execution_mode = "off"
nb_merge_streams = True
nb_code_prompt_show = "Show"
nb_code_prompt_hide = "Hide"

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_class_signature = "mixed"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
add_module_names = False
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = f"VeriStack Lab {release}"
html_css_files = ["book.css"]
html_js_files = ["figures.js"]
html_copy_source = False
html_show_sourcelink = False
# Excerpts would be fetched, which a page that was opened as a file may not do.
html_show_search_summary = False
html_show_sphinx = False
html_show_copyright = False
# Two names for one thing are no mistake: a package re-exports what its modules define.
suppress_warnings = ["ref.python", "autodoc.mocked_object"]

ERRORS = {name: f"{errors.__name__}.{name}" for name in vars(errors) if name[0].isupper()}
"""Where each error is described: docstrings everywhere name them."""


def setup(app: Any) -> None:
    """Let docstrings pass through `docstrings` before Sphinx reads their sections."""
    before_napoleon = 100
    connect: Callable[..., object] = app.connect
    connect("autodoc-process-docstring", _process, priority=before_napoleon)
    connect("autodoc-skip-member", _skip)


def _skip(
    _app: Any, what: str, _name: str, member: object, _skipped: bool, _options: Any
) -> bool | None:
    """Leave out what classes inherit from other packages; else leave it to autodoc."""
    return True if what in ("class", "exception") and not is_ours(member) else None


def _process(
    _app: Any, _what: str, _name: str, _obj: object, _options: Any, lines: list[str]
) -> None:
    lines[:] = to_rst(lines, ERRORS)
