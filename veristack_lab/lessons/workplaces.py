"""Where the work on a lab is: by one rule, for the terminal and for notebooks.

1. A folder that is named (`--into`, `into=`) is taken as it is.
2. Else the work is in `labs` in the learner's folder (see `places`), whatever the current folder.
3. But a lab that was begun in an old place, and not in the learner's folder, goes on in the old
   place. Old places are the folders `my-labs` of earlier versions: in the current folder, beside
   `my-notebooks` when that is the current folder, and in the checkout.

Nothing is moved or overwritten. Where both hold work on a lab, the learner's folder counts, and
`passed_over` tells of the other.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from veristack_lab.labs.manifest import Lab
from veristack_lab.labs.workbench import Workbench
from veristack_lab.lessons.places import LEARNER, learner_folder
from veristack_lab.runtime import notebook_copies, paths

LABS = "labs"
OLD_NAME = "my-labs"


def home() -> Path:
    """The folder of a learner's work on labs. Not created here.

    Raises:
        InvalidInput: `VERISTACK_LEARNER` cannot be used.
    """
    return learner_folder() / LABS


def bench_of(lab: Lab, into: Path | str | None = None) -> Workbench:
    """The workbench that holds a learner's work on this lab, or will hold it.

    Raises:
        InvalidInput: `VERISTACK_LEARNER` cannot be used.
    """
    if into is not None:
        return Workbench(Path(into))
    return next(iter(_begun(lab)), Workbench(home()))


def passed_over(lab: Lab) -> list[Path]:
    """Folders with work on this lab that `bench_of` does not take without being told to."""
    return [bench.folder for bench in _begun(lab)[1:]]


def option(lab: Lab, bench: Workbench) -> str:
    """What a command of `veristack labs` needs besides, to find this workbench from here."""
    found = bench_of(lab).folder
    is_found = bench.folder.resolve() == found.resolve()
    return "" if is_found else f" --into {shlex.quote(str(bench.folder))}"


def rule(into: Path | str | None = None) -> str:
    """Where new work goes, in a sentence."""
    if into is not None:
        return f"your work is in {into}"
    return (
        f"your work is in {home()}, for the terminal and for notebooks ({LEARNER} names another"
        " learner's folder)"
    )


def _begun(lab: Lab) -> list[Workbench]:
    """Every workbench with work on this lab: the learner's folder first, then old places."""
    places = dict.fromkeys(folder.resolve() for folder in (home(), *_old_places()))
    return [bench for bench in map(Workbench, places) if bench.work(lab).is_file()]


def _old_places() -> list[Path]:
    here = Path.cwd()
    beside = [here.parent] if here.name == notebook_copies.DEFAULT_FOLDER.name else []
    tree = paths.checkout()
    return [folder / OLD_NAME for folder in (here, *beside, *([tree] if tree else []))]
