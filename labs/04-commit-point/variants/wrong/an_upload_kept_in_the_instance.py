"""The id of the upload is kept in the object store itself: a second upload takes it away from the first."""
# caught by: another upload to the same name between any two operations


class ObjectStore(ObjectStore):
    def put(self, bucket: str, name: str, data: bytes) -> None:
        self.current = self.new_id()
        self.open_uploads.add(self.current)
        try:
            key, starts = meta_key(bucket, name), range(0, len(data), CHUNK_BYTES)
            for number, start in enumerate(starts):
                self.store.put(chunk_key(self.current, number), data[start : start + CHUNK_BYTES])
            batch = Batch()
            if old := self.store.get(key):
                replaced = Meta.decode(old)
                for number in range(replaced.chunks):
                    batch.delete(chunk_key(replaced.object_id, number))
            self.store.write(batch.put(key, Meta(self.current, len(starts)).encode()))
        finally:
            self.open_uploads.discard(self.current)
