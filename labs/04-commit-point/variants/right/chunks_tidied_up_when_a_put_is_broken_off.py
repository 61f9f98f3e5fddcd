"""A put that is broken off before its commit removes the chunks it wrote, if the store still lets it."""

from contextlib import suppress


class ObjectStore(ObjectStore):
    def put(self, bucket: str, name: str, data: bytes) -> None:
        object_id = self.new_id()
        self.open_uploads.add(object_id)
        written: list[bytes] = []
        try:
            for start in range(0, len(data), CHUNK_BYTES):
                key = chunk_key(object_id, len(written))
                written.append(key)
                try:
                    self.store.put(key, data[start : start + CHUNK_BYTES])
                except BaseException:
                    with suppress(Exception):
                        for key in written:
                            self.store.delete(key)
                    raise
            batch = Batch()
            if old := self.store.get(meta_key(bucket, name)):
                meta = Meta.decode(old)
                for number in range(meta.chunks):
                    batch.delete(chunk_key(meta.object_id, number))
            self.store.write(
                batch.put(meta_key(bucket, name), Meta(object_id, len(written)).encode())
            )
        finally:
            self.open_uploads.discard(object_id)
