"""An upload is a context manager that opens and closes its id; ids are given out under a lock."""

import threading
from contextlib import contextmanager


class ObjectStore(ObjectStore):
    def __init__(self, store, new_id=lambda: uuid.uuid4().bytes):
        super().__init__(store, new_id)
        self._mutex = threading.RLock()

    @contextmanager
    def _upload(self):
        with self._mutex:
            object_id = self.new_id()
            self.open_uploads |= {object_id}
        try:
            yield object_id
        finally:
            with self._mutex:
                self.open_uploads -= {object_id}

    def _chunks_of(self, bucket, name):
        record = self.store.get(meta_key(bucket, name))
        if record is None:
            return []
        meta = Meta.decode(record)
        return [chunk_key(meta.object_id, number) for number in range(meta.chunks)]

    def put(self, bucket: str, name: str, data: bytes) -> None:
        view, count = memoryview(data), -(-len(data) // CHUNK_BYTES)
        with self._upload() as object_id:
            for number in range(count):
                piece = view[number * CHUNK_BYTES :][:CHUNK_BYTES]
                self.store.put(chunk_key(object_id, number), bytes(piece))
            batch = Batch().put(meta_key(bucket, name), Meta(object_id, count).encode())
            for key in self._chunks_of(bucket, name):
                batch = batch.delete(key)
            self.store.write(batch)
