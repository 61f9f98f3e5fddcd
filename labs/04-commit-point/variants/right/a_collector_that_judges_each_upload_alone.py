"""The collector groups chunks by upload, and asks anew for each upload, just before removing it."""

from itertools import groupby


class ObjectStore(ObjectStore):
    def _is_needed(self, object_id: bytes) -> bool:
        if object_id in self.open_uploads:
            return True
        return any(Meta.decode(value).object_id == object_id for _, value in self.store.scan(META))

    def collect(self) -> int:
        removed = 0
        keys = [key for key, _ in self.store.scan(CHUNK)]
        for object_id, mine in groupby(keys, key=id_of):
            if not self._is_needed(object_id):
                for key in mine:
                    self.store.delete(key)
                    removed += 1
        return removed
