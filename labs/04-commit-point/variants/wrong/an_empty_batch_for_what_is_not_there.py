"""A delete of what is not there writes an empty batch, which the store refuses."""
# caught by: what is not there can be deleted


class ObjectStore(ObjectStore):
    def delete(self, bucket: str, name: str) -> None:
        key, batch = meta_key(bucket, name), Batch()
        if old := self.store.get(key):
            meta = Meta.decode(old)
            batch.delete(key)
            for number in range(meta.chunks):
                batch.delete(chunk_key(meta.object_id, number))
        self.store.write(batch)
