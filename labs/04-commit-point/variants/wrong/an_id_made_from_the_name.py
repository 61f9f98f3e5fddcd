"""The id is a hash of the name: a new version is written over the chunks of the old one."""
# caught by: an overwrite, the power cut before every operation

import hashlib


class ObjectStore(ObjectStore):
    def put(self, bucket: str, name: str, data: bytes) -> None:
        object_id = hashlib.sha256(meta_key(bucket, name)).digest()[:ID_BYTES]
        starts = range(0, len(data), CHUNK_BYTES)
        self.open_uploads.add(object_id)
        try:
            for number, start in enumerate(starts):
                self.store.put(chunk_key(object_id, number), data[start : start + CHUNK_BYTES])
            old, batch = self.store.get(meta_key(bucket, name)), Batch()
            for number in range(len(starts), Meta.decode(old).chunks if old else 0):
                batch.delete(chunk_key(object_id, number))
            self.store.write(
                batch.put(meta_key(bucket, name), Meta(object_id, len(starts)).encode())
            )
        finally:
            self.open_uploads.discard(object_id)
