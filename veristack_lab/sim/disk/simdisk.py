"""A disk in memory whose power can be cut at any moment.

`SimDisk` is a `DiskModel` that can also say what a power cut at this moment may leave: `images`
lists the possible disks, `crash` makes one of them.

**The model.** A cut may leave nothing that POSIX rules out: what `fdatasync` or `fsync_dir`
covered is there, byte for byte. Of the rest:

- each unsynced 512-byte sector is as before or as any later write made it, on its own;
- a file's length travels apart from its data: data without length, length without data;
- a sector that was allocated and not written reads as zeros, garbage, or as a deleted file;
- the write under way may be torn at any byte;
- each unsynced folder operation took place or not, as a whole; those of one name in order;
- syncing a file says nothing about its name, and the other way round.

A sector with synced bytes that is written again keeps them whichever version survives, as
SQLite assumes by default too ("powersafe overwrite"). Sources: Pillai et al., "All File
Systems Are Not Created Equal" (ALICE), OSDI 2014, for what file systems reorder and tear;
Rebello et al., "Can Applications Recover from fsync Failures?", ATC 2020, for failed syncs.
"""

from __future__ import annotations

from typing import Self

from veristack_lab.sim.disk.crash import choose
from veristack_lab.sim.disk.images import Images
from veristack_lab.sim.disk.model import DiskModel


class SimDisk(DiskModel):
    """A simulated disk.

    Args:
        seed: decides the garbage in sectors that were never written.
        delay: lets time pass by some seconds, for latency faults; `SimClock.advance` is one.
        history: whether `operations` keeps them all, or only the newest, for long runs.
    """

    def images(self, limit: int = 256, *, byte_cuts: int | None = 4) -> Images:
        """What a power cut at this moment may leave.

        Args:
            limit: enumerates all legal images if there are at most `limit`, else the extremes and a
                sample.
            byte_cuts: number of byte positions at which the write is torn; None means all.
        """
        return Images(self, limit, byte_cuts)

    def crash(self, policy: str = "any", seed: int = 0) -> Self:
        """The disk as some legal power cut would leave it: one of `POLICIES`, by a seed.

        Raises:
            InvalidInput: there is no such policy.
        """
        return self.image(self.choose(policy, seed))

    def choose(self, policy: str = "any", seed: int = 0) -> str:
        """The choice that `crash` would make. Raises `InvalidInput`."""
        return choose(self, policy, seed)

    def image(self, choice: str) -> Self:
        """The disk that a choice (`Image.choice`) describes; all of it is durable."""
        return self.restore(*Images(self, 1, None).build(choice))
