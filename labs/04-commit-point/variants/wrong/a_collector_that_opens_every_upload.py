"""The collector adds all ids it needs to `open_uploads` itself, where they stay for ever."""
# caught by: an open upload keeps its chunks, stays open


class ObjectStore(ObjectStore):
    def collect(self) -> int:
        found = [key for key, _ in self.store.scan(CHUNK)]
        needed = self.open_uploads
        needed |= {Meta.decode(value).object_id for _, value in self.store.scan(META)}
        dead = [key for key in found if id_of(key) not in needed]
        for key in dead:
            self.store.delete(key)
        return len(dead)
