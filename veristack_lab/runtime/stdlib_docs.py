"""The standard library's own documentation, read from its source files.

Real text that every machine has without a download: the docstrings of modules, classes
and functions, found with `ast`. Nothing is imported or executed.
"""

from __future__ import annotations

import ast
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["module", "class", "function"]

SKIPPED_FOLDERS = frozenset(
    {
        "__pycache__", "dist-packages", "idlelib", "idle_test", "lib2to3", "pydoc_data",
        "site-packages", "test", "tests", "turtledemo",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Docstring:
    """One documented module, class or function. (module, qualname) is unique."""

    module: str
    """Dotted name, for example `xml.etree.ElementTree`."""
    qualname: str
    """Name inside the module, for example `Element.find`; empty for the module itself."""
    kind: Kind
    text: str
    """The docstring with its indentation cleaned (PEP 257)."""
    source_line: int
    """1-based line of the definition; 1 for a module."""


def standard_library() -> Path:
    """The folder that holds the standard library's source files."""
    return Path(os.__file__).resolve().parent


def iter_docstrings(root: Path | None = None) -> Iterator[Docstring]:
    """Every documented module, class and function, ordered by file path, then by position.

    Tests, IDLE, lib2to3 and installed packages are left out, and so are functions inside
    functions. Of several definitions of one name (per platform, say) the first documented one
    is taken. A file that this Python cannot parse is passed over.

    Args:
        root: the folder to read; the running Python's standard library when not given.
    """
    root = standard_library() if root is None else root
    for relative in _source_files(root):
        tree = _parse(root / relative)
        if tree is not None:
            yield from _documented(tree, _module_name(relative))


def _source_files(root: Path) -> list[Path]:
    """Relative paths of the source files, sorted by their parts."""
    found: list[Path] = []
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = [name for name in subfolders if name.isidentifier()]
        subfolders[:] = [name for name in subfolders if name not in SKIPPED_FOLDERS]
        relative = Path(folder).relative_to(root)
        found.extend(relative / name for name in names if name.endswith(".py"))
    return sorted(found, key=lambda path: path.parts)


def _module_name(relative: Path) -> str:
    parts = relative.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _parse(path: Path) -> ast.Module | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # old escapes are not ours to report
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            return None


def _documented(tree: ast.Module, module: str) -> Iterator[Docstring]:
    text = ast.get_docstring(tree)
    if text:
        yield Docstring(module, "", "module", text, 1)
    seen: set[str] = set()
    for qualname, node in _definitions(tree, ""):
        text = ast.get_docstring(node)
        if text and qualname not in seen:
            seen.add(qualname)
            kind: Kind = "class" if isinstance(node, ast.ClassDef) else "function"
            yield Docstring(module, qualname, kind, text, node.lineno)


_Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _definitions(node: ast.AST, prefix: str) -> Iterator[tuple[str, _Definition]]:
    """Classes and functions below a node, also those under `if` and `try`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield prefix + child.name, child
            yield from _definitions(child, f"{prefix}{child.name}.")
        elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield prefix + child.name, child
        elif isinstance(child, (ast.If, ast.Try, ast.With, ast.ExceptHandler)):
            yield from _definitions(child, prefix)
