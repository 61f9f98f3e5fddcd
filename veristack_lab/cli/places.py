"""Places that a command writes to at its end, tried at its beginning."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from veristack_lab.errors import InvalidInput


def require_writable_folder(folder: Path) -> None:
    """Return if the folder can be made, and files in it; nothing of that is left behind.

    Raises:
        InvalidInput: it cannot be made or written.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        for each in missing:
            each.rmdir()
    except OSError as error:
        raise _refused(folder, error) from error


def require_writable_file(path: Path) -> None:
    """Return if the file can be written; one that is there stays as it is.

    Raises:
        InvalidInput: it cannot be written, or is a folder.
    """
    is_new = not path.exists()
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))
        if is_new:
            path.unlink()
    except OSError as error:
        raise _refused(path, error) from error


def _refused(path: Path, cause: OSError) -> InvalidInput:
    return InvalidInput(f"{path} cannot be written ({cause.strerror}). Give another path")
