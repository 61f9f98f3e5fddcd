"""The id is a hash of the content: two objects of the same content share chunks, until one of them goes."""
# caught by: an id belongs to one upload

import hashlib


class ObjectStore(ObjectStore):
    def put(self, bucket: str, name: str, data: bytes) -> None:
        old = self.store.get(meta_key(bucket, name))
        object_id = hashlib.sha256(data).digest()[:ID_BYTES]
        if old and Meta.decode(old).object_id == object_id:
            return
        new_id, self.new_id = self.new_id, lambda: object_id
        try:
            super().put(bucket, name, data)
        finally:
            self.new_id = new_id
