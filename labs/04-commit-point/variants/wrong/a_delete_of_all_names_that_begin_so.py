"""A delete removes all metadata whose key begins with the name's key, and with m also mm."""
# caught by: nothing else with it


class ObjectStore(ObjectStore):
    def delete(self, bucket: str, name: str) -> None:
        batch = Batch()
        for key, value in self.store.scan(meta_key(bucket, name)):
            meta = Meta.decode(value)
            batch.delete(key)
            for number in range(meta.chunks):
                batch.delete(chunk_key(meta.object_id, number))
        if len(batch):
            self.store.write(batch)
