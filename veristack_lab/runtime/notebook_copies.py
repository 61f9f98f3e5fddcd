"""A learner's own copies of the notebooks: what is opened, run and saved is never the original.

JupyterLab saves a notebook with its outputs, by itself and often. In a checkout that would change
files that git keeps, and the next update would meet them as conflicts. So the notebooks are copied
into a folder that git does not see, and opened there. A copy has no outputs: what a notebook asks
the learner to predict must not stand below the question.

A second copy respects the first: a notebook that the learner has edited stays, whatever became of
the original. Only the text of the cells counts as an edit; outputs come from running.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from veristack_lab.errors import InvalidInput
from veristack_lab.runtime.files import replace_atomically

DEFAULT_SOURCE = Path("notebooks")
DEFAULT_FOLDER = Path("my-notebooks")
LEDGER = ".copied.json"
"""Name of the file that says which text each copy had when it was made."""


@dataclass(frozen=True)
class Copies:
    """What one call of `copy_notebooks` did, as names of files."""

    made: tuple[str, ...] = ()
    """Copied for the first time, or again because the copy had been removed."""
    renewed: tuple[str, ...] = ()
    """Not edited by the learner, and replaced by a newer original."""
    kept: tuple[str, ...] = ()
    """As they were: edited, or the original is the same as before."""
    outdated: tuple[str, ...] = ()
    """Those of `kept` that the learner has edited while the original became another."""


def copy_notebooks(source: Path = DEFAULT_SOURCE, into: Path = DEFAULT_FOLDER) -> Copies:
    """Copy each notebook of `source` into the folder `into`, and overwrite no edit.

    Raises:
        InvalidInput: `source` holds no notebooks, is `into` itself, or a file of either cannot be
            read as a notebook.
    """
    originals = sorted(source.glob("*.ipynb"))
    if not originals:
        raise InvalidInput(
            f"There are no notebooks in {source}. Run this in a checkout of the project, or name "
            "the folder that holds them with --source."
        )
    if source.resolve() == into.resolve():
        raise InvalidInput(f"{into} holds the originals; choose another folder with --into.")
    into.mkdir(parents=True, exist_ok=True)
    ledger = _read_ledger(into / LEDGER)
    done: dict[str, list[str]] = {"made": [], "renewed": [], "kept": [], "outdated": []}
    for original in originals:
        _copy(original, into / original.name, ledger, done)
    replace_atomically(into / LEDGER, json.dumps(ledger, indent=2, sort_keys=True).encode() + b"\n")
    return Copies(**{what: tuple(names) for what, names in done.items()})


def _copy(original: Path, copy: Path, ledger: dict[str, str], done: dict[str, list[str]]) -> None:
    name, new = original.name, text_digest(original)
    if not copy.exists():
        done["made"].append(name)
    else:
        known, theirs = ledger.get(name), text_digest(copy)
        if new in (known, theirs):
            done["kept"].append(name)
            ledger[name] = new
            return
        if theirs != known:
            done["kept"].append(name)
            done["outdated"].append(name)
            return
        done["renewed"].append(name)
    replace_atomically(copy, _clean_sheet(original))
    ledger[name] = new


def _clean_sheet(original: Path) -> bytes:
    """The notebook as it is before it was run: no result stands below its question."""
    document = json.loads(original.read_bytes())
    for cell in document["cells"]:
        cell["metadata"].pop("jupyter", None)  # says which results of the original are folded
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"


def text_digest(path: Path) -> str:
    """SHA-256 of the kinds and texts of a notebook's cells, in order; outputs do not count.

    Raises:
        InvalidInput: the file is not a notebook.
    """
    try:
        cells = json.loads(path.read_bytes())["cells"]
        text = [(cell["cell_type"], _joined(cell["source"])) for cell in cells]
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(
            f"{path} is not a notebook ({type(error).__name__}). Move it away and copy again."
        ) from error
    return hashlib.sha256(json.dumps(text).encode()).hexdigest()


def _joined(source: Any) -> str:
    # The format allows one text or a list of lines, and JupyterLab may write either.
    return source if isinstance(source, str) else "".join(source)


def _read_ledger(path: Path) -> dict[str, str]:
    """Which text each copy had; empty where that is not known, so that every copy is kept."""
    try:
        known = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError:
        known = None
    if not isinstance(known, dict):
        raise InvalidInput(f"{path} is damaged. Remove it; your notebooks are kept as they are.")
    return {str(name): str(digest) for name, digest in known.items()}
