"""All stores keep their snapshot in one place.

The ancestor writes every snapshot to the same path in the temporary folder. Two stores that
have nothing to do with each other then read each other's data, and the last writer wins. The
healthy engine keeps all its files in its own folder, which is locked.
"""

from __future__ import annotations

from pathlib import Path

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.store import stages
from veristack_lab.museum.store.seams import DiskBefore
from veristack_lab.museum.store.trials import PowerCuts
from veristack_lab.sim.store.engine import engine_of
from veristack_lab.veristore.disk import Disk, File

_SHARED = Path("/shared")


class _Disk(DiskBefore):
    """Every path of a snapshot leads to one folder. Syncs are kept honest."""

    def __init__(self, behind: Disk) -> None:
        super().__init__(behind)
        behind.make_dir(_SHARED)

    def open(self, path: Path, *, create: bool = False) -> File:
        return self.behind.open(_place(path), create=create)

    def exists(self, path: Path) -> bool:
        return self.behind.exists(_place(path))

    def listdir(self, path: Path) -> list[str]:
        return sorted({*self.behind.listdir(path), *self.behind.listdir(_SHARED)})

    def rename(self, old: Path, new: Path) -> None:
        self.behind.rename(_place(old), _place(new))

    def unlink(self, path: Path) -> None:
        self.behind.unlink(_place(path))

    def fsync_dir(self, path: Path) -> None:
        self.behind.fsync_dir(_SHARED)
        self.behind.fsync_dir(path)


def _place(path: Path) -> Path:
    return _SHARED / path.name if path.name.startswith("snapshot-") else path


EXHIBIT = Exhibit(
    __name__,
    title="every store's snapshot lies at the same path",
    promise="acknowledged-present",
    source="ancestor, V5 (one path in the temporary folder)",
    seam="Disk: where snapshots lie",
    trial=PowerCuts(stages.neighbours, engine_of(disk=_Disk), seed=1, samples=60),
)
