"""A batch is written as one record per change.

Each record is whole or not there, but a power cut may keep the first and lose the rest: money
has left one account and not arrived in the other. The healthy engine writes a batch as one
record with one checksum, which decides for all of it.
"""

from __future__ import annotations

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.store import stages
from veristack_lab.museum.store.trials import PowerCuts
from veristack_lab.sim.store.engine import engine_of
from veristack_lab.veristore.kv import Store
from veristack_lab.veristore.wal.mutations import Batch


class _Store(Store):
    def write(self, batch: Batch) -> int:
        lsn = 0
        for key, value in batch.changes:
            lsn = self.delete(key) if value is None else self.put(key, value)
        return lsn


EXHIBIT = Exhibit(
    __name__,
    title="a batch is several records",
    promise="unacknowledged-atomic",
    source="key-value stores without batches",
    seam="Store.write",
    trial=PowerCuts(stages.transfers, engine_of(store_type=_Store), seed=1, samples=100),
)
