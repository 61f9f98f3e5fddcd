"""An object's metadata is committed before its content is on the disk.

The content is written, the metadata is written and synced, and OK is said. Each chunk carries a
checksum, so after the power cut the object is not read wrong: it is listed and cannot be read
at all. The healthy engine syncs the content first; the metadata is the only commit point.
"""

from __future__ import annotations

from pathlib import Path

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.objects import stages
from veristack_lab.museum.store.seams import DiskBefore, FileBefore
from veristack_lab.museum.store.trials import PowerCuts
from veristack_lab.sim.store.engine import engine_of
from veristack_lab.veristore.disk import File
from veristack_lab.veristore.objects.blobs import FOLDER_NAME


class _File(FileBefore):
    def fdatasync(self) -> None:
        """Left out."""


class _Disk(DiskBefore):
    def open(self, path: Path, *, create: bool = False) -> File:
        file = self.behind.open(path, create=create)
        return _File(file) if path.parent.name == FOLDER_NAME else file


EXHIBIT = Exhibit(
    __name__,
    title="metadata is committed before its content is synced",
    promise="objects-whole",
    source="the class of bugs that LazyFS found in seven systems (VLDB 2024)",
    seam="File.fdatasync, of a content file",
    trial=PowerCuts(stages.library, engine_of(disk=_Disk), seed=1, samples=200),
)
