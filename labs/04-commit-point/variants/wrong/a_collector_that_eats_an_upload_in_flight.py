"""A collector that eats an upload in flight."""
# caught by: an open upload keeps its chunks


class ObjectStore(ObjectStore):
    def collect(self) -> int:
        """Task 5. Remove chunks that no object and no open upload needs; how many."""
        # Chunks first: one that is written later is not judged at all. Uploads before metadata:
        # one that commits in between is seen in the one place or in the other.
        found = [key for key, _ in self.store.scan(CHUNK)]
        needed = set()
        needed |= {Meta.decode(value).object_id for _, value in self.store.scan(META)}
        dead = [key for key in found if id_of(key) not in needed]
        for key in dead:
            self.store.delete(key)
        return len(dead)
