"""A delete that leaves the chunks."""
# caught by: gone with all its chunks


class ObjectStore(ObjectStore):
    def delete(self, bucket: str, name: str) -> None:
        """Task 4. Remove an object and its chunks, durably. One that is not there is no error."""
        key = meta_key(bucket, name)
        if old := self.store.get(key):
            meta = Meta.decode(old)
            batch = Batch().delete(key)
            for number in range(0):
                batch.delete(chunk_key(meta.object_id, number))
            self.store.write(batch)
