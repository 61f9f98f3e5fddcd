"""Kill real writer processes on the real file system, hundreds of times a minute.

SIGKILL leaves the page cache alone, so this is not a power cut; it adds what the simulator lacks:
the real kernel, real threads, real timing.
"""

from __future__ import annotations

import json
import random
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedRWPair
from pathlib import Path

import pandas as pd

from veristack_lab.errors import InvalidInput, ProcessDied
from veristack_lab.kernels import warm
from veristack_lab.runtime.guardian import start_ticks
from veristack_lab.runtime.processes import Child, spawn, temporary_folder
from veristack_lab.runtime.progress import OnProgress, silent
from veristack_lab.sim.torture.load import (
    BUCKET,
    OBJECT_WRITER,
    expectations,
    open_for_audit,
    user_keys,
)
from veristack_lab.veristore.experiments import leave_torn_record
from veristack_lab.veristore.experiments.workload import Expected, check, key_prefix
from veristack_lab.veristore.experiments.writer import (
    ENTRY_BYTES,
    Acknowledgement,
    read_acknowledgements,
)
from veristack_lab.veristore.objects.store import ObjectStore
from veristack_lab.veristore.wal import log as wal

_ACKS_BEFORE_KILL = (0, 60)
_EXTRA_DELAY_S = 0.004
_POLL_S = 0.001
_TIMEOUT_S = 60.0


class Nursery:
    """Our end of the process that forks writers."""

    def __init__(self, child: Child, stream: BufferedRWPair) -> None:
        self._child = child
        self._stream = stream

    def fork(self, store: Path, acks: Path, seed: int, firsts: Sequence[int]) -> int:
        """Start a writer. Returns its process id. Raises `ProcessDied`."""
        request = {"store": str(store), "acks": str(acks), "seed": seed, "firsts": list(firsts)}
        self._stream.write(json.dumps(request).encode() + b"\n")
        self._stream.flush()
        return self._number()

    def kill(self, pid: int) -> None:
        """SIGKILL the writer, and return when it is gone. Raises `ProcessDied` if it had ended."""
        # Sent by its parent: until the parent has waited for it, its id is not reused.
        self._stream.write(b"%d\n" % pid)
        self._stream.flush()
        code = self._number()
        if code != -signal.SIGKILL:
            raise ProcessDied(f"a writer ended by itself ({code}):\n{self._child.log_tail()}")

    def _number(self) -> int:
        line = self._stream.readline()
        if not line:
            raise ProcessDied(f"the nursery of writers ended:\n{self._child.log_tail()}")
        return int(line)


@contextmanager
def nursery(log_path: Path) -> Iterator[Nursery]:
    """Start the process that forks writers; it and they are gone afterwards.

    Raises:
        ProcessDied: it could not be started.
    """
    with temporary_folder() as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "nursery"))
        listener.listen(1)
        listener.settimeout(_TIMEOUT_S)
        module = "veristack_lab.sim.torture.nursery"
        with spawn(
            [sys.executable, "-m", module, folder / "nursery"],
            name="the nursery of writers",
            log_path=log_path,
            env={"OPENBLAS_NUM_THREADS": "1"},  # a process that forks has one thread
        ) as child:
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                raise ProcessDied(f"no nursery of writers:\n{child.log_tail()}") from None
            with connection, connection.makefile("rwb") as stream:
                try:
                    yield Nursery(child, stream)
                finally:
                    child.kill_tree()


def torture(
    path: Path,
    *,
    seconds: float | None = None,
    kills: int | None = None,
    seed: int = 0,
    tear: bool = True,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """Kill a writer under load again and again, and audit what it left each time.

    Three threads put, delete and batch keys, one puts and deletes objects, the log rotates and
    checkpoints run in the background. The kill comes after a seeded number of
    acknowledgements and a seeded moment more. After some kills the beginning of a further
    record is appended, as a power cut might leave it.

    Args:
        path: a folder to work in; the store grows in it from kill to kill.
        seconds: duration; the kill under way is finished.
        kills: how many. Give one of the two.
        seed: decides load and kills.
        tear: whether to leave a torn record after every fourth kill.
        on_progress: called after each kill, with seconds or with kills.

    Returns:
        One row a kill: `kill`, `kill_after` (acknowledgements it waited for), `acknowledged`,
        `kept` (writes under way that survived, whole), `lost`, `mixed` (writers with a partially
        applied write), `orphans` (contents left by the collection), `torn_bytes`, `replayed`,
        `snapshot_lsn`, `recovered_lsn`, `lsn_went_back`, `objects`, `recover_ms`, `elapsed_s`.

    Raises:
        InvalidInput: both or neither of `seconds` and `kills`.
        ProcessDied: a writer ended by itself.
    """
    if (seconds is None) == (kills is None):
        raise InvalidInput("give seconds or kills, one of the two")
    path.mkdir(parents=True, exist_ok=True)
    rng, expected = random.Random(seed), expectations(seed)
    rows: list[dict[str, object]] = []
    tick = on_progress or silent
    warm()  # measure the kills, not the compiler
    with nursery(path / "nursery.log") as writers:
        started_s, floor_lsn = time.monotonic(), 0
        elapsed_s = 0.0
        while elapsed_s < seconds if seconds is not None else len(rows) < (kills or 0):
            kill_after, delay_s = rng.randint(*_ACKS_BEFORE_KILL), rng.random() * _EXTRA_DELAY_S
            acks = _write_until_killed(path, writers, seed, expected, kill_after, delay_s)
            if tear and len(rows) % 4 == 3:
                _tear(path / "store", rng.randint(1, 3000))
            row = audit(path / "store", expected, acks, floor_lsn)
            floor_lsn = int(str(row["recovered_lsn"]))
            elapsed_s = time.monotonic() - started_s
            rows.append({"kill": len(rows) + 1, "kill_after": kill_after, **row})
            rows[-1]["elapsed_s"] = elapsed_s
            if seconds is not None:
                tick(min(int(elapsed_s), int(seconds)), int(seconds))
            else:
                tick(len(rows), kills or 0)
    frame = pd.DataFrame(rows)
    frame.attrs = {"seed": seed, "kills": len(rows), "seconds": elapsed_s, "tear": tear}
    return frame


def violations(frame: pd.DataFrame) -> int:
    """How many kills broke a promise."""
    broken = (frame["lost"] > 0) | (frame["mixed"] > 0) | (frame["orphans"] > 0)
    return int((broken | frame["lsn_went_back"]).sum())


def _write_until_killed(
    path: Path,
    writers: Nursery,
    seed: int,
    expected: Sequence[Expected],
    kill_after: int,
    delay_s: float,
) -> list[Acknowledgement]:
    acks = path / "acknowledgements"
    acks.write_bytes(b"")
    pid = writers.fork(path / "store", acks, seed, [each.done for each in expected])
    wanted, deadline = kill_after * ENTRY_BYTES, time.monotonic() + _TIMEOUT_S
    while acks.stat().st_size < wanted and start_ticks(pid) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    time.sleep(delay_s)  # not a wait for a condition: the kill may come at any moment
    writers.kill(pid)
    return read_acknowledgements(acks)


def _tear(store: Path, size_bytes: int) -> None:
    if wal.list_epochs(
        entry.name for entry in store.iterdir()
    ):  # a writer may die before there is a log
        leave_torn_record(store, size_bytes)


def audit(
    folder: Path, expected: Sequence[Expected], acks: Sequence[Acknowledgement], floor_lsn: int
) -> dict[str, object]:
    """Compare a recovered store with the acknowledgements; moves `expected` on."""
    store, objects = open_for_audit(folder)
    with store:
        findings = []
        for each in expected:
            mine = sum(1 for ack in acks if ack.writer == each.writer)
            if each.writer == OBJECT_WRITER:
                found = _contents(objects)
            else:
                found = user_keys(store, key_prefix(each.writer))
            findings.append(check(each, mine, found))
        stats, orphans = store.stats(), objects.collect_garbage()
    lsns = [ack.lsn for ack in acks if ack.lsn]
    went_back = bool(lsns) and not floor_lsn < min(lsns) <= max(lsns) <= stats.last_lsn
    return {
        "acknowledged": len(acks),
        "kept": sum(finding.kept_unacknowledged for finding in findings),
        "lost": sum(finding.lost for finding in findings),
        "mixed": sum(finding.mixed for finding in findings),
        "orphans": orphans,
        "torn_bytes": stats.recovery.torn_bytes,
        "replayed": stats.recovery.records,
        "snapshot_lsn": stats.recovery.snapshot_lsn,
        "recovered_lsn": stats.last_lsn,
        "lsn_went_back": went_back or stats.last_lsn < floor_lsn,
        "objects": len(expected[OBJECT_WRITER].state),
        "recover_ms": stats.recovery.recover_ms,
    }


def _contents(objects: ObjectStore) -> dict[bytes, bytes]:
    """Every object, whole: reading verifies its checksum."""
    if BUCKET not in objects.buckets():
        return {}
    keys = [info.key for info in objects.list(BUCKET)]
    return {key.encode(): objects.get(BUCKET, key) for key in keys}
