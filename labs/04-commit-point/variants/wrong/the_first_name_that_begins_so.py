"""A reader takes the first metadata whose key begins with the name's key: of m, that may be mm."""
# caught by: what is not there is ObjectNotFound


class ObjectStore(ObjectStore):
    def get(self, bucket: str, name: str) -> bytes:
        seen = None
        while True:
            record = next((value for _, value in self.store.scan(meta_key(bucket, name))), None)
            if record is None:
                raise ObjectNotFound(name)
            if record == seen:
                raise StoreCorrupt(name)
            seen, meta = record, Meta.decode(record)
            keys = [chunk_key(meta.object_id, number) for number in range(meta.chunks)]
            chunks = [chunk for key in keys if (chunk := self.store.get(key)) is not None]
            if len(chunks) == meta.chunks:
                return b"".join(chunks)
