"""A reader that misses a chunk says that the object is not there: a loss that is never reported."""
# caught by: what is broken is StoreCorrupt


class ObjectStore(ObjectStore):
    def get(self, bucket: str, name: str) -> bytes:
        try:
            return super().get(bucket, name)
        except StoreCorrupt as error:
            raise ObjectNotFound(name) from error
