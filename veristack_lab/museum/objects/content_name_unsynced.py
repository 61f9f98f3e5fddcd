"""An object's metadata is committed before the name of its content file is durable.

The content is synced, the metadata is synced, and after the power cut the metadata leads to a file
that does not exist. The healthy engine syncs the folder of the content files before it commits the
metadata.
"""

from __future__ import annotations

from pathlib import Path

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.objects import stages
from veristack_lab.museum.store.seams import DiskBefore
from veristack_lab.museum.store.trials import PowerCuts
from veristack_lab.sim.store.engine import engine_of
from veristack_lab.veristore.objects.blobs import FOLDER_NAME


class _Disk(DiskBefore):
    def fsync_dir(self, path: Path) -> None:
        if path.name != FOLDER_NAME:
            self.behind.fsync_dir(path)


EXHIBIT = Exhibit(
    __name__,
    title="metadata is committed before its content has a durable name",
    promise="objects-whole",
    source="the class of bugs that ALICE found in eleven systems (OSDI 2014)",
    seam="Disk.fsync_dir, for the folder of the content files",
    trial=PowerCuts(stages.library, engine_of(disk=_Disk), seed=1, samples=200),
)
