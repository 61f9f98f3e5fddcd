"""`get` looks at the metadata after the chunks in any case, and begins anew when they have changed."""


class ObjectStore(ObjectStore):
    def _lookup(self, bucket, name):
        record = self.store.get(meta_key(bucket, name))
        if record is None:
            raise ObjectNotFound(f"there is no object {name!r} in the bucket {bucket!r}")
        return Meta.decode(record)

    def get(self, bucket: str, name: str) -> bytes:
        meta = self._lookup(bucket, name)
        while True:
            content, whole = bytearray(), True
            for number in range(meta.chunks):
                chunk = self.store.get(chunk_key(meta.object_id, number))
                if chunk is None:
                    whole = False
                    break
                content += chunk
            again = self._lookup(bucket, name)
            if again == meta and whole:
                return bytes(content)
            if again == meta:
                raise StoreCorrupt("a chunk is missing")
            meta = again
