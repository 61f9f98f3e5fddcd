"""Whatever breaks off a put, its chunks are removed: also when the commit has happened already."""
# caught by: a put that fails says so, and leaves all old or all new


class ObjectStore(ObjectStore):
    def put(self, bucket: str, name: str, data: bytes) -> None:
        object_id = self.new_id()
        self.open_uploads.add(object_id)
        starts = range(0, len(data), CHUNK_BYTES)
        try:
            for number, start in enumerate(starts):
                self.store.put(chunk_key(object_id, number), data[start : start + CHUNK_BYTES])
            batch = Batch()
            if old := self.store.get(meta_key(bucket, name)):
                meta = Meta.decode(old)
                for number in range(meta.chunks):
                    batch.delete(chunk_key(meta.object_id, number))
            self.store.write(
                batch.put(meta_key(bucket, name), Meta(object_id, len(starts)).encode())
            )
        except BaseException:
            for number in range(len(starts)):
                self.store.delete(chunk_key(object_id, number))
            raise
        finally:
            self.open_uploads.discard(object_id)
