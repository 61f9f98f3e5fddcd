"""The disks of a cluster: how long they take, how they fail, and what is truly durable on them.

What is durable is read from the bytes that a power cut could not take. The node is not asked.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from veristack_lab.kernels import records as framing
from veristack_lab.sim.choices import Stream
from veristack_lab.sim.delays import Uniform
from veristack_lab.sim.disk.simdisk import SimDisk
from veristack_lab.sim.processes import Life
from veristack_lab.sim.world import World
from veristack_lab.veristore.raft.recovery import FIRST_LSN
from veristack_lab.veristore.raft.replay import LogState
from veristack_lab.veristore.wal import log as wal
from veristack_lab.veristore.wal.mutations import MAX_PAYLOAD_BYTES
from veristack_lab.veristore.wal.segment import HEADER_BYTES, Window

FOLDER = Path("/raft")
USUAL_SYNC = Uniform(0.0003, 0.002)


class Flush:
    """The event of a node: its disk is ready for the sync that it asked for."""

    def __repr__(self) -> str:
        return "Flush()"


FLUSH = Flush()


class _Read:
    """How far the durable bytes of a segment were read, and what they say."""

    def __init__(self, epoch: int) -> None:
        self.epoch, self.end, self.state = epoch, HEADER_BYTES, LogState()
        self._lsn = FIRST_LSN

    def go_on(self, data: bytes) -> None:
        """Take the whole records at the start of what follows."""
        found = framing.decode_records(data, 0, self._lsn, self.epoch, MAX_PAYLOAD_BYTES)
        window = Window(data, self._lsn, found, self.end + found.end_offset)
        for kind, payload in window:
            self.state.apply(kind, payload)
        self.end, self._lsn = window.end_offset, window.next_lsn


class Device:
    """The disk of one node, through all its lives.

    Args:
        world: where syncs take their time.
        seed: of the garbage in sectors that were never written.
        delays: decides how long each sync takes.
    """

    def __init__(self, world: World, seed: int, delays: Stream) -> None:
        self._world, self._delays = world, delays
        self.disk = SimDisk(seed, history=False)
        self._slow: list[float] = []
        self._hangs = 0
        self._full = 0
        self._waiting: list[Life] = []
        self._read: _Read | None = None

    def __repr__(self) -> str:
        return f"Device({self.disk!r})"

    def attach(self) -> SimDisk:
        """The disk for a new life. What an earlier life left in the cache is still there."""
        self.disk, self._read = self.disk.after_kill(), None
        self._waiting.clear()
        if self._full:
            self.disk.fail("no-space", times=None)
        return self.disk

    def cut_power(self, policy: str, seed: int) -> None:
        """Lose what no sync covered, as a policy and a seed have it."""
        self.disk, self._read = self.disk.crash(policy, seed), None

    def sync_later(self, life: Life) -> None:
        """Give a life its `FLUSH` when the disk is ready."""
        if self._hangs:
            self._waiting.append(life)
            return
        usual_s = USUAL_SYNC.of(self._delays.bits())
        self._world.after(max(usual_s, *self._slow, 0.0), life, FLUSH)

    # ---------------------------------------------------------------- faults

    def slow(self, sync_s: float) -> Callable[[], None]:
        """Let each sync take this long at least; the result ends that."""
        self._slow.append(sync_s)
        return lambda: self._slow.remove(sync_s)

    def hang(self) -> Callable[[], None]:
        """Answer nothing; the result ends that."""
        self._hangs += 1

        def go_on() -> None:
            self._hangs -= 1
            if not self._hangs:
                waiting, self._waiting = self._waiting, []
                for life in waiting:
                    self.sync_later(life)

        return go_on

    def fill(self) -> Callable[[], None]:
        """Leave no room for any write; the result makes room."""
        self._full += 1
        self.disk.fail("no-space", times=None)

        def room() -> None:
            self._full -= 1
            if not self._full:
                self.disk.heal()

        return room

    def fail_sync(self) -> None:
        """Let the next sync of the log fail."""
        self.disk.fail("sync-error", "log-*")

    # --------------------------------------------------------------- looking

    def durable_log(self) -> LogState | None:
        """What a node would find after the worst power cut; None: no log has a durable name.

        Only what became durable since the last look is read.
        """
        names = self._durable_names()
        epochs = wal.list_epochs(names)
        if not epochs:
            return None
        content = self.disk.files[names[wal.path_of(FOLDER, epochs[-1]).name]].durable
        read = self._read
        if read is None or read.epoch != epochs[-1] or read.end > len(content):
            read = self._read = _Read(epochs[-1])
        if read.end < len(content):
            read.go_on(bytes(content[read.end : len(content)]))
        return read.state

    def _durable_names(self) -> dict[str, int]:
        inode = self.disk.paths().get(str(FOLDER))
        return dict(self.disk.folders[inode].durable) if inode else {}
