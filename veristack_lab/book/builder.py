"""Making the book: sources into a folder, a site from them, and every link followed."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path

from veristack_lab.backends.holding import LOCK_NAME, held
from veristack_lab.book import links, sources
from veristack_lab.errors import BackendUnavailable, InvalidInput, ProcessDied
from veristack_lab.runtime import paths
from veristack_lab.runtime.processes import spawn

NEEDED = ("sphinx", "myst_nb", "furo")
CONFIGURATION = Path(__file__).parent
TIMEOUT_S = 900.0
LOG_LINES = 40
SHOWN = 20


def build(out: Path, only: Collection[str] | None = None) -> tuple[Path, links.Report]:
    """Make the book; its first page, and what following its links found.

    Args:
        out: folder for the site (`html`), its sources and Sphinx's log. Made if it is missing; what
            was built there before is brought up to date.
        only: beginnings of the names of the notebooks to take; None takes all.

    Raises:
        InvalidInput: the package runs without its source tree, `out` holds something else, there
            is no such notebook, or a link of a page leads nowhere.
        FolderHeld, FolderUnusable: another process makes a book there, or it cannot be written.
        BackendUnavailable: Sphinx or one of its extensions is not installed.
        ProcessDied: Sphinx found a mistake; the message holds what it said.
    """
    root = paths.checkout()
    if root is None:
        raise InvalidInput(
            "the book needs the source tree, where notebooks and labs are: clone the project and "
            "run `make book`"
        )
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise BackendUnavailable(
            f"the book needs {', '.join(missing)}: run `make book`, which installs what it needs, "
            "or `pip install veristack-lab[book]`"
        )
    out = out.absolute()
    _require_ours(out)
    with held(out, "the making of a book", "Wait for it, or give another folder"):
        write(sources.gather(root, only), out / "sources")
        _run_sphinx(out)
        report = links.check(out / "html")
    if report.lost:
        listing = "\n".join(f"  {each}" for each in report.lost[:SHOWN])
        raise InvalidInput(f"links of the book that lead nowhere, {len(report.lost)}:\n{listing}")
    return out / "html" / "index.html", report


def _require_ours(out: Path) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise InvalidInput(f"{out} is a file; give a folder for the book")
    if (
        any(path.name != LOCK_NAME for path in out.iterdir())
        and not (out / "sources" / "index.md").is_file()
    ):
        raise InvalidInput(
            f"{out} holds something else than a book; give an empty or absent folder"
        )


def write(files: dict[str, bytes], folder: Path) -> None:
    """Make a folder hold exactly these files. A file that is right already is not touched.

    So Sphinx reads again only what has changed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file() and str(path.relative_to(folder)) not in files:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def _run_sphinx(out: Path) -> None:
    log = out / "sphinx.log"
    log.unlink(missing_ok=True)
    shutil.rmtree(out / "html", ignore_errors=True)  # no page of an earlier book stays
    argv = [
        *(sys.executable, "-m", "sphinx", "--builder", "html", "--conf-dir", CONFIGURATION),
        *("--doctree-dir", out / "doctrees", "--fail-on-warning", "--keep-going", "--quiet"),
        *("--define", f"html_static_path={out / 'sources' / '_static'}"),
        *("--jobs", "1", out / "sources", out / "html"),
    ]
    with spawn([str(part) for part in argv], name="sphinx", log_path=log, cwd=out) as child:
        code = child.wait(TIMEOUT_S)
        if code != 0:
            raise ProcessDied(
                f"Sphinx made no book (code {code}); all of it is in {log}:\n"
                f"{child.log_tail(LOG_LINES)}"
            )
