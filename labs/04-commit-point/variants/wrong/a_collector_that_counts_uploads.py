"""The collector counts the uploads that it has cleaned up after, and not their chunks."""
# caught by: chunks that no object needs go, and are counted


class ObjectStore(ObjectStore):
    def collect(self) -> int:
        found = [key for key, _ in self.store.scan(CHUNK)]
        needed = set(self.open_uploads)
        needed |= {Meta.decode(value).object_id for _, value in self.store.scan(META)}
        dead = [key for key in found if id_of(key) not in needed]
        for key in dead:
            self.store.delete(key)
        return len({id_of(key) for key in dead})
