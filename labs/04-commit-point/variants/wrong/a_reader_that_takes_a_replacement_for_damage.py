"""A reader that takes a replacement for damage."""
# caught by: replaced between any two reads


class ObjectStore(ObjectStore):
    def get(self, bucket: str, name: str) -> bytes:
        """Task 3. The content: all of one version, also if it is replaced while this runs.

        Raises:
            ObjectNotFound: there is no such object.
            StoreCorrupt: a chunk is missing, and no replacement explains it.
        """
        seen = None
        while True:
            record = self.store.get(meta_key(bucket, name))
            if record is None:
                raise ObjectNotFound(f"there is no {name!r} in {bucket!r}")
            if seen is not None:
                raise StoreCorrupt(f"{name!r} in {bucket!r} lacks a chunk")
            seen, meta = record, Meta.decode(record)
            keys = [chunk_key(meta.object_id, number) for number in range(meta.chunks)]
            chunks = [chunk for key in keys if (chunk := self.store.get(key)) is not None]
            if len(chunks) == meta.chunks:
                return b"".join(chunks)
