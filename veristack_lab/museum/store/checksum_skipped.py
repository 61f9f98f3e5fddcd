"""Records are read by their lengths alone, and the checksum is never checked.

A torn record whose header made it to the disk looks whole: its length is right, and its payload
is whatever was in the sectors. A batch comes back with half of its bytes, the rest zeros. The
healthy engine believes nothing in a record until its CRC32C holds.
"""

from __future__ import annotations

import struct

from veristack_lab.kernels.records import HEADER_BYTES, Stop
from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.store import stages
from veristack_lab.museum.store.trials import PowerCuts
from veristack_lab.sim.store.engine import engine_of
from veristack_lab.veristore.kv import Store
from veristack_lab.veristore.recovery.findings import Findings, Segment
from veristack_lab.veristore.recovery.recoverer import Recoverer
from veristack_lab.veristore.wal import segment as format_of
from veristack_lab.veristore.wal.mutations import decode

_RECORD = struct.Struct("<4xIQIB3x")


class _Recoverer(Recoverer):
    def replay_segment(self, segment: Segment, found: Findings) -> Stop:
        buffer, at = segment.file.read(0, segment.file.size()), format_of.HEADER_BYTES
        while at + HEADER_BYTES <= len(buffer):
            length, lsn, epoch, kind = _RECORD.unpack_from(buffer, at)
            end = at + HEADER_BYTES + length
            if epoch != segment.epoch or lsn != found.next_lsn or end > len(buffer):
                break
            if lsn > found.snapshot_lsn:
                payload = buffer[at + HEADER_BYTES : end]
                found.values.update(iter(decode(kind & ~format_of.GROUP_START, payload)))
                found.records += 1
            found.next_lsn, at = lsn + 1, end
        found.end_offset = at
        return Stop.END if at == len(buffer) else Stop.SHORT


class _Store(Store):
    recoverer_type = _Recoverer


EXHIBIT = Exhibit(
    __name__,
    title="a record is believed without its checksum",
    promise="unacknowledged-atomic",
    source="PySyncObj's journal, which has none",
    seam="Recoverer.replay_segment",
    trial=PowerCuts(stages.segments, engine_of(store_type=_Store), seed=1, samples=200),
)
