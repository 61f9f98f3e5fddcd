"""An upload is never recorded as open: the collector may eat its chunks."""
# caught by: an upload is open from before its first chunk


class ObjectStore(ObjectStore):
    def put(self, bucket: str, name: str, data: bytes) -> None:
        """Task 2. Store an object durably, replacing the one of this name in one step.

        While it runs, its id is in `open_uploads`; however it ends, it is not.
        """
        object_id = self.new_id()
        try:
            starts = range(0, len(data), CHUNK_BYTES)
            for number, start in enumerate(starts):
                self.store.put(chunk_key(object_id, number), data[start : start + CHUNK_BYTES])
            key = meta_key(bucket, name)
            batch = Batch()
            if old := self.store.get(key):
                replaced = Meta.decode(old)
                for number in range(replaced.chunks):
                    batch.delete(chunk_key(replaced.object_id, number))
            self.store.write(batch.put(key, Meta(object_id, len(starts)).encode()))
        finally:
            self.open_uploads.discard(object_id)
