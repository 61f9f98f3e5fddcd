"""Chunks deleted before the metadata."""
# caught by: the power cut before every operation: whole, or not there


class ObjectStore(ObjectStore):
    def delete(self, bucket: str, name: str) -> None:
        """Task 4. Remove an object and its chunks, durably. One that is not there is no error."""
        key = meta_key(bucket, name)
        if old := self.store.get(key):
            meta = Meta.decode(old)
            batch = Batch().delete(key)
            for number in range(meta.chunks):
                self.store.delete(chunk_key(meta.object_id, number))
            self.store.write(batch)
