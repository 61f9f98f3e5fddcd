"""Old chunks are removed one by one after the write that ends their object; the collector has the rest."""


class ObjectStore(ObjectStore):
    def put(self, bucket: str, name: str, data: bytes) -> None:
        object_id, key, count = self.new_id(), meta_key(bucket, name), 0
        self.open_uploads.add(object_id)
        try:
            while count * CHUNK_BYTES < len(data):
                piece = data[count * CHUNK_BYTES : (count + 1) * CHUNK_BYTES]
                self.store.put(chunk_key(object_id, count), piece)
                count += 1
            old = self.store.get(key)
            self.store.put(key, Meta(object_id, count).encode())
        finally:
            self.open_uploads.discard(object_id)
        self._remove_chunks(old)

    def delete(self, bucket: str, name: str) -> None:
        key = meta_key(bucket, name)
        old = self.store.get(key)
        if old is not None:
            self.store.delete(key)
        self._remove_chunks(old)

    def _remove_chunks(self, record: bytes | None) -> None:
        if record is not None:
            meta = Meta.decode(record)
            for number in range(meta.chunks):
                self.store.delete(chunk_key(meta.object_id, number))
