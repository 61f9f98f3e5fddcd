"""One scan for chunks and metadata, and the open uploads before and after it: a whole upload fits in between."""
# caught by: an upload that begins
# task: 5


class ObjectStore(ObjectStore):
    def collect(self) -> int:
        uploads = set(self.open_uploads)
        metas = [value for _, value in self.store.scan(META)]
        found = [key for key, _ in self.store.scan(CHUNK)]
        uploads |= self.open_uploads
        needed = uploads | {Meta.decode(value).object_id for value in metas}
        dead = [key for key in found if id_of(key) not in needed]
        for key in dead:
            self.store.delete(key)
        return len(dead)
