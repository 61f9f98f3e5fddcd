"""The JavaScript and the styles of a view: what all views share, and then its own."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def joined(name: str) -> str:
    """The shared part of a kind of source and the part of one view: `joined("wal.js")`."""
    return joined_with(_HERE / name)


def joined_with(path: Path) -> str:
    """The same for a view of another room."""
    shared = _HERE / f"command_view{path.suffix}"
    return f"{shared.read_text()}\n{path.read_text()}"
