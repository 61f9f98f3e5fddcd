"""An upload is closed at the end of a put only, and not when the put is broken off."""
# caught by: an upload is open from before its first chunk until after its commit


class ObjectStore(ObjectStore):
    def put(self, bucket: str, name: str, data: bytes) -> None:
        object_id, key = self.new_id(), meta_key(bucket, name)
        self.open_uploads.add(object_id)
        starts = range(0, len(data), CHUNK_BYTES)
        for number, start in enumerate(starts):
            self.store.put(chunk_key(object_id, number), data[start : start + CHUNK_BYTES])
        batch = Batch()
        if old := self.store.get(key):
            meta = Meta.decode(old)
            for number in range(meta.chunks):
                batch.delete(chunk_key(meta.object_id, number))
        self.store.write(batch.put(key, Meta(object_id, len(starts)).encode()))
        self.open_uploads.discard(object_id)
