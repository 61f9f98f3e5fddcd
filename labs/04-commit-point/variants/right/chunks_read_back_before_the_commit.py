"""A put reads every chunk back before its commit: slower, and as right; `get` goes by recursion."""


class ObjectStore(ObjectStore):
    def put(self, bucket: str, name: str, data: bytes) -> None:
        object_id, rest, number = self.new_id(), data, 0
        self.open_uploads.add(object_id)
        try:
            while rest:
                piece, rest = rest[:CHUNK_BYTES], rest[CHUNK_BYTES:]
                self.store.put(chunk_key(object_id, number), piece)
                if self.store.get(chunk_key(object_id, number)) != piece:
                    raise StoreCorrupt("a chunk was read back with other bytes")
                number += 1
            key, batch = meta_key(bucket, name), Batch()
            for _, value in self.store.scan(key):
                break
            record = self.store.get(key)
            old = Meta.decode(record) if record else Meta(object_id, 0)
            for place in reversed(range(old.chunks)):
                batch.delete(chunk_key(old.object_id, place))
            batch.put(key, Meta(object_id, number).encode())
            self.store.write(batch)
        finally:
            self.open_uploads.discard(object_id)
