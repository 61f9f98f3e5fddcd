"""The collector reads the whole store in one scan, then the open uploads, then the metadata once more."""


class ObjectStore(ObjectStore):
    def collect(self) -> int:
        everything = list(self.store.scan(b""))
        uploads = frozenset(self.open_uploads)
        now = list(self.store.scan(META))
        metas = [value for key, value in everything + now if key.startswith(META)]
        needed = uploads.union(Meta.decode(value).object_id for value in metas)
        dead = [key for key, _ in everything if key.startswith(CHUNK) and id_of(key) not in needed]
        if dead:
            batch = Batch()
            for key in dead:
                batch.delete(key)
            self.store.write(batch)
        return len(dead)
