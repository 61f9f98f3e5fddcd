"""As many old chunks are removed as new ones were written: of a longer old object some are left."""
# caught by: an overwrite takes the old chunks with it


class ObjectStore(ObjectStore):
    def put(self, bucket: str, name: str, data: bytes) -> None:
        object_id, key = self.new_id(), meta_key(bucket, name)
        self.open_uploads.add(object_id)
        try:
            starts = range(0, len(data), CHUNK_BYTES)
            for number, start in enumerate(starts):
                self.store.put(chunk_key(object_id, number), data[start : start + CHUNK_BYTES])
            batch = Batch()
            if old := self.store.get(key):
                replaced = Meta.decode(old)
                for number in range(len(starts)):
                    batch.delete(chunk_key(replaced.object_id, number))
            self.store.write(batch.put(key, Meta(object_id, len(starts)).encode()))
        finally:
            self.open_uploads.discard(object_id)
