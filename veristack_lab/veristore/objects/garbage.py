"""The collector of content that nothing refers to.

What a power cut or a failed put leaves behind is a content file without a reference. The order
of four looks makes it safe beside any other call: the files are listed first; then the puts in
flight are asked for; then a view of the store is opened and the references are looked up in
it. A file that was listed belonged to a put that is either still in flight, or has committed
its reference before the view's LSN, or was given up or replaced, and then no record can ever refer
to it: ids are used once. Parts of open uploads have references like objects. The fourth look, at
the open readers, is part of the removal: what a reader holds goes with it. Before anything is
removed the store is synced: a removal of metadata that a power cut could undo does not count yet.

Removal of a file is one step of the disk, so a power cut leaves it there or not; if its name
comes back, it is garbage once more. Nothing else is changed, so the collector may be cut
anywhere and run again.
"""

from __future__ import annotations

from collections.abc import Sequence

from veristack_lab.errors import StoreReadOnly
from veristack_lab.veristore.objects.keeper import ObjectKeeper
from veristack_lab.veristore.objects.records import (
    CHUNK,
    ID_BYTES,
    META,
    decode_object,
    reference_key,
)
from veristack_lab.veristore.wal.mutations import Batch

_BATCH_KEYS = 1000


class Collector(ObjectKeeper):
    """The part of `ObjectStore` that reclaims space."""

    def collect_garbage(self) -> int:
        """Remove content that neither an object, an upload, a put in flight nor an open reader
        refers to. Returns how many content files and chunks went. Safe beside any other call,
        and when it is cut off anywhere. Raises `StoreReadOnly` over a store that is only read:
        another process may be about to commit a reference."""
        if self._store.is_read_only:
            raise StoreReadOnly
        orphans, chunks = self._orphans(), self._orphaned_chunks()
        if orphans:
            self._store.sync()
        return self._reclaim(orphans) + self._remove_chunks(chunks)

    def _orphans(self) -> Sequence[bytes]:
        """Ids of the content files that nothing refers to. The order of the steps matters."""
        listed = self._blobs.ids()
        if not listed:
            return ()
        spared = self._shared.spared()
        with self._store.snapshot_view() as view:
            return [
                blob_id
                for blob_id in listed
                if blob_id not in spared and view.get(reference_key(blob_id)) is None
            ]

    def _orphaned_chunks(self) -> Sequence[bytes]:
        """Keys of version-1 chunks without an object. No new ones are written."""
        listed = [key for key, _ in self._store.scan(CHUNK)]
        if not listed:
            return ()
        start = len(CHUNK)
        records = (decode_object(record) for _, record in self._store.scan(META))
        alive = {
            key[start : start + ID_BYTES] for stored in records for key in stored.content.chunk_keys
        }
        return [key for key in listed if key[start : start + ID_BYTES] not in alive]

    def _remove_chunks(self, keys: Sequence[bytes]) -> int:
        for first in range(0, len(keys), _BATCH_KEYS):
            batch = Batch()
            for key in keys[first : first + _BATCH_KEYS]:
                batch.delete(key)
            self._store.write(batch)
        return len(keys)
