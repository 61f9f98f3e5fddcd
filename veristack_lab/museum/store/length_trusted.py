"""A record's length is believed before its checksum.

Recovery reads a header, makes room for as many bytes as it announces, reads them, and only then
computes the checksum. In a torn tail that length is garbage: up to four gigabytes are requested
because of bytes that were never written. This exhibit runs on a machine with one gigabyte. The
healthy engine compares the length with the limit and with what is left of the file before it makes
room for anything.
"""

from __future__ import annotations

import struct

from veristack_lab.kernels import records
from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.store import stages
from veristack_lab.museum.store.trials import PowerCuts
from veristack_lab.sim.store.engine import engine_of
from veristack_lab.veristore.kv import Store
from veristack_lab.veristore.recovery.findings import Findings, Segment
from veristack_lab.veristore.recovery.recoverer import Recoverer

_MEMORY_BYTES = 1024**3
_LENGTH = struct.Struct("<4xI")


class _Recoverer(Recoverer):
    def judge_stop(
        self, segment: Segment, found: Findings, stop: records.Stop, is_last: bool
    ) -> str:
        header = segment.file.read(found.end_offset, records.HEADER_BYTES)
        if len(header) == records.HEADER_BYTES:
            (length,) = _LENGTH.unpack_from(header)
            if length > _MEMORY_BYTES:
                raise MemoryError(f"{length:,} bytes for one record, and there are 2**30")
        return super().judge_stop(segment, found, stop, is_last)


class _Store(Store):
    recoverer_type = _Recoverer


EXHIBIT = Exhibit(
    __name__,
    title="a length is believed before its checksum",
    promise="opens",
    source="ancestor, V7; a staple of parsers everywhere",
    seam="Recoverer.judge_stop, where the record behind the last good one is looked at",
    trial=PowerCuts(stages.whole_sectors, engine_of(store_type=_Store), seed=11, samples=400),
)
