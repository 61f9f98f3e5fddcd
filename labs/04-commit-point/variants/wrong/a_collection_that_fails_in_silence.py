"""The collector passes over an error of the store and counts what it has not removed."""
# caught by: a collection that fails says so


class ObjectStore(ObjectStore):
    def collect(self) -> int:
        found = [key for key, _ in self.store.scan(CHUNK)]
        needed = set(self.open_uploads)
        needed |= {Meta.decode(value).object_id for _, value in self.store.scan(META)}
        dead = [key for key in found if id_of(key) not in needed]
        for key in dead:
            try:
                self.store.delete(key)
            except Exception:
                continue
        return len(dead)
