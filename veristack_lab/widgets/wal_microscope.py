"""A log under the microscope: every byte, what it is for, and what losing it would cost.

    microscope = WalMicroscope("folder")         # a store, open or not, or one of its segments
    microscope                                   # in a notebook: bytes to point at and to flip
    microscope.do("flip", 80)["modes"]           # in a script: the same commands

A flip changes a copy that exists only in the view. The file is read and never written, and no
lock is taken. One page is shown at a time, so a segment of 64 MiB costs no more to show than a
small one.

Commands: `page` (number), `goto` (offset), `record` (LSN: the page where it begins), `flip`
(offset, or [offset, bit]; the same again turns it back), `restore` (all flips), `segment`
(name), `reload` (read what was written since).
"""

from __future__ import annotations

from pathlib import Path

from veristack_lab.veristore.disk import Disk
from veristack_lab.widgets import stills
from veristack_lab.widgets.command_view import CommandView
from veristack_lab.widgets.loop import View
from veristack_lab.widgets.sources import joined
from veristack_lab.widgets.wal_model import WalModel
from veristack_lab.widgets.wal_source import source_of


class WalMicroscope(CommandView):
    """Shows a log byte by byte, explains each field, and lets any byte be flipped in a copy.

    Args:
        log: the folder of a store, one of its segment files, or the bytes of a segment.
        disk: where the folder lies; the machine's own by default. A disk of the simulator, or
            what a power cut left of it, can be looked at as well.
        name: what the view is called; see `CommandView`.

    Raises:
        NotAStore: the path holds no log, or one of a newer version.
        InvalidInput: the name cannot be used.
    """

    _esm = joined("wal_microscope.js")
    _css = joined("wal_microscope.css")

    def __init__(
        self, log: Path | str | bytes, *, disk: Disk | None = None, name: str = "wal"
    ) -> None:
        super().__init__(WalModel(source_of(log, disk)), name=name)

    def _still(self, view: View) -> list[str]:
        return stills.microscope(view)
