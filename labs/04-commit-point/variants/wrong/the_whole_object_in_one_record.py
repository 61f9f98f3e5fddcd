"""All chunks and the metadata are one batch: atomic, and as large as the object."""
# caught by: no record grows with the object


class ObjectStore(ObjectStore):
    def put(self, bucket: str, name: str, data: bytes) -> None:
        object_id, key, batch = self.new_id(), meta_key(bucket, name), Batch()
        starts = range(0, len(data), CHUNK_BYTES)
        for number, start in enumerate(starts):
            batch.put(chunk_key(object_id, number), data[start : start + CHUNK_BYTES])
        if old := self.store.get(key):
            replaced = Meta.decode(old)
            for number in range(replaced.chunks):
                batch.delete(chunk_key(replaced.object_id, number))
        self.store.write(batch.put(key, Meta(object_id, len(starts)).encode()))
