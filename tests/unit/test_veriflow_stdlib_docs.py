from __future__ import annotations

from pathlib import Path

from veristack_lab.runtime.stdlib_docs import Docstring, iter_docstrings

SOURCE = '''"""The module."""
import sys

if sys.platform == "win32":
    def here():
        """On Windows."""
else:
    def here():
        """Elsewhere."""

class Box:
    """A box."""

    async def open(self):
        """Open it.

            Twice.
        """
        def inner():
            """Not public."""

    def bare(self):
        return 1
'''


def test_reads_what_is_documented_and_nothing_else(folder: Path) -> None:
    (folder / "pkg").mkdir()
    (folder / "pkg" / "__init__.py").write_text(SOURCE)
    (folder / "broken.py").write_text("def (")
    for skipped in ("test", "site-packages", "idlelib"):
        (folder / skipped).mkdir()
        (folder / skipped / "x.py").write_text('"""Never."""')
    assert list(iter_docstrings(folder)) == [
        Docstring("pkg", "", "module", "The module.", 1),
        Docstring("pkg", "here", "function", "On Windows.", 5),
        Docstring("pkg", "Box", "class", "A box.", 11),
        Docstring("pkg", "Box.open", "function", "Open it.\n\nTwice.", 14),
    ]


def test_the_standard_library_has_thousands_in_a_fixed_order() -> None:
    found = list(iter_docstrings())
    keys = [(entry.module, entry.qualname) for entry in found]
    assert len(found) > 4000
    assert len(set(keys)) == len(keys)
    assert ("json", "dumps") in keys
    assert ("logging.handlers", "RotatingFileHandler.doRollover") in keys
    assert not any(module.startswith(("test.", "idlelib")) for module, _ in keys)
