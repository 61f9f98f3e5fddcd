"""`get` reads all chunks of an id in one scan, and counts them."""


class ObjectStore(ObjectStore):
    def get(self, bucket: str, name: str) -> bytes:
        before = b""
        while (record := self.store.get(meta_key(bucket, name))) is not None:
            meta = Meta.decode(record)
            prefix = chunk_key(meta.object_id, 0)[:-4]
            chunks = dict(self.store.scan(prefix))
            if len(chunks) == meta.chunks:
                return b"".join(chunks[key] for key in sorted(chunks))
            if record == before:
                raise StoreCorrupt(f"{len(chunks)} of {meta.chunks} chunks of {name!r} are there")
            before = record
        raise ObjectNotFound(f"{bucket}/{name}")
