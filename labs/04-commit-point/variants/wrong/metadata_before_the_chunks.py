"""The metadata is written before the chunks, "because then we know where they belong"."""
# caught by: a new object, the power cut before every operation


class ObjectStore(ObjectStore):
    def put(self, bucket: str, name: str, data: bytes) -> None:
        object_id = self.new_id()
        self.open_uploads.add(object_id)
        try:
            key = meta_key(bucket, name)
            starts = range(0, len(data), CHUNK_BYTES)
            batch = Batch()
            if old := self.store.get(key):
                replaced = Meta.decode(old)
                for number in range(replaced.chunks):
                    batch.delete(chunk_key(replaced.object_id, number))
            self.store.write(batch.put(key, Meta(object_id, len(starts)).encode()))
            for number, start in enumerate(starts):
                self.store.put(chunk_key(object_id, number), data[start : start + CHUNK_BYTES])
        finally:
            self.open_uploads.discard(object_id)
