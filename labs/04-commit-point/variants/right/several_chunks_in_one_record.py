"""Chunks are written eight at a time, in batches of their own, and the commit follows them."""


class ObjectStore(ObjectStore):
    def put(self, bucket: str, name: str, data: bytes) -> None:
        object_id = self.new_id()
        self.open_uploads.add(object_id)
        try:
            pieces = [data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES)]
            for first in range(0, len(pieces), 8):
                batch = Batch()
                for number, piece in enumerate(pieces[first : first + 8], start=first):
                    batch.put(chunk_key(object_id, number), piece)
                self.store.write(batch)
            commit, key = Batch(), meta_key(bucket, name)
            commit.put(key, Meta(object_id, len(pieces)).encode())
            old = self.store.get(key)
            if old is not None:
                replaced = Meta.decode(old)
                for number in range(replaced.chunks):
                    commit.delete(chunk_key(replaced.object_id, number))
            self.store.write(commit)
        finally:
            self.open_uploads.remove(object_id)
