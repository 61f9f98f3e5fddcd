"""The collector looks at the metadata of one bucket, and removes what the others need."""
# caught by: objects stay
# task: 5


class ObjectStore(ObjectStore):
    def collect(self) -> int:
        found = [key for key, _ in self.store.scan(CHUNK)]
        needed = set(self.open_uploads)
        metas = self.store.scan(bucket_prefix("models"))
        needed |= {Meta.decode(value).object_id for _, value in metas}
        dead = [key for key in found if id_of(key) not in needed]
        for key in dead:
            self.store.delete(key)
        return len(dead)
