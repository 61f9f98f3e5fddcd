"""Writers that are killed with SIGKILL: what is found after each kill."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from veristack_lab.errors import InvalidInput
from veristack_lab.kernels import records, warm
from veristack_lab.runtime.processes import spawn, wait_until_ready
from veristack_lab.runtime.progress import OnProgress, silent
from veristack_lab.veristore.disk import RealDisk
from veristack_lab.veristore.experiments.workload import Expected, check, key_prefix
from veristack_lab.veristore.experiments.writer import (
    ENTRY_BYTES,
    Acknowledgement,
    read_acknowledgements,
)
from veristack_lab.veristore.kv import Store, open_store
from veristack_lab.veristore.wal import log as wal
from veristack_lab.veristore.wal.mutations import RecordType, encode_put
from veristack_lab.veristore.wal.segment import (
    HEADER_BYTES,
    decode_header,
    read_records,
    written_end,
)

_KILL_AFTER = (20, 400)
_WRITER_TIMEOUT_S = 60.0


def kill_and_recover(
    path: Path,
    kills: int,
    seed: int,
    *,
    writers: int = 4,
    tear: bool = True,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """Kill a real writer process under load, again and again, and audit the store each time.

    The process is ended by SIGKILL once it has acknowledged a seeded number of writes. Then,
    if `tear` is set, the first bytes of a further record are written after the last record: what a
    power cut leaves of a group that was being written (a kill alone seldom tears a write, since the
    page cache survives it). Then the store is opened, and compared with what was acknowledged.

    Args:
        path: a folder to work in; the store grows in it from kill to kill.
        kills: how many.
        seed: decides the workload and the kill points.
        writers: threads in the writer process.
        tear: whether to leave a torn record behind each kill.
        on_progress: called after each kill.

    Returns:
        One row a kill: `kill`, `kill_after` (acknowledgements the kill waited for),
        `acknowledged`, `unacknowledged_kept` (writes under way that survived whole), `lost`
        (acknowledged and not there), `mixed` (writers whose state matches no number of
        operations), `torn_by_us` and `torn_bytes` (left, and cut off by recovery),
        `replayed` (log records), `snapshot_lsn`, `acknowledged_lsn` (the highest),
        `recovered_lsn`, `lsn_monotonic`, `recover_ms`.

    Raises:
        ProcessDied: the writer ended by itself.
    """
    if kills < 1 or writers < 1:
        raise InvalidInput(f"kills={kills}, writers={writers}: both must be at least 1")
    tick, rng = on_progress or silent, random.Random(seed)
    warm()  # what is measured is recovery, not the compiler
    expected = [Expected(seed, writer) for writer in range(writers)]
    rows, floor_lsn = [], 0
    path.mkdir(parents=True, exist_ok=True)
    for kill in range(1, kills + 1):
        kill_after, torn = rng.randint(*_KILL_AFTER), rng.randint(1, 3000) if tear else 0
        acks = _write_until_killed(path, kill, seed, expected, kill_after)
        if torn:
            torn = leave_torn_record(path / "store", torn)
        with open_store(path / "store") as store:
            row = _audit(store, expected, acks, floor_lsn)
            floor_lsn = store.stats().last_lsn
        rows.append({"kill": kill, "kill_after": kill_after, "torn_by_us": torn, **row})
        tick(kill, kills)
    frame = pd.DataFrame(rows)
    frame.attrs = {"seed": seed, "kills": kills, "writers": writers, "tear": tear}
    return frame


def _write_until_killed(
    path: Path, kill: int, seed: int, expected: Sequence[Expected], kill_after: int
) -> list[Acknowledgement]:
    acks = path / f"acknowledgements-{kill}"
    acks.touch()
    firsts = [str(each.done) for each in expected]
    module = "veristack_lab.veristore.experiments.writer"
    child = spawn(
        [sys.executable, "-m", module, path / "store", acks, str(seed), *firsts],
        name="the writer",
        log_path=path / "writer.log",
        env={"VERISTACK_JIT": "off"},  # starts faster, and a writer's groups are small
    )
    try:
        wait_until_ready(
            child, lambda: acks.stat().st_size >= kill_after * ENTRY_BYTES, _WRITER_TIMEOUT_S
        )
    finally:
        child.kill()
    return read_acknowledgements(acks)


def leave_torn_record(store: Path, size_bytes: int) -> int:
    """Write the beginning of a well-formed group behind the last record of a store at rest.

    It is what a power cut leaves of a write that was never acknowledged.

    Returns:
        How many of its bytes can be told from room that is reserved: up to the last that is
        not zero.
    """
    disk = RealDisk()
    epoch = wal.list_epochs(disk.listdir(store))[-1]
    payload = encode_put(b"torn", b"x" * size_bytes)
    whole = records.frame_records([payload], [RecordType.PUT], 1, epoch)
    file = disk.open(wal.path_of(store, epoch))
    try:
        header = decode_header(file.read(0, HEADER_BYTES), wal.path_of(store, epoch).name)
        *_, last = read_records(file, epoch, header.first_lsn)
        file.pwrite(whole[:size_bytes], last.end_offset)
    finally:
        file.close()
    return written_end(whole[:size_bytes])


def _audit(
    store: Store, expected: Sequence[Expected], acks: Sequence[Acknowledgement], floor_lsn: int
) -> dict[str, object]:
    """Compare a recovered store with the acknowledgements; moves `expected` on."""
    findings = []
    for each in expected:
        mine = sum(1 for ack in acks if ack.writer == each.writer)
        findings.append(check(each, mine, dict(store.scan(key_prefix(each.writer)))))
    stats = store.stats()
    highest, lowest = max(ack.lsn for ack in acks), min(ack.lsn for ack in acks)
    return {
        "acknowledged": len(acks),
        "unacknowledged_kept": sum(finding.kept_unacknowledged for finding in findings),
        "lost": sum(finding.lost for finding in findings),
        "mixed": sum(finding.mixed for finding in findings),
        "torn_bytes": stats.recovery.torn_bytes,
        "replayed": stats.recovery.records,
        "snapshot_lsn": stats.recovery.snapshot_lsn,
        "acknowledged_lsn": highest,
        "recovered_lsn": stats.last_lsn,
        "lsn_monotonic": floor_lsn < lowest and highest <= stats.last_lsn,
        "recover_ms": stats.recovery.recover_ms,
    }
