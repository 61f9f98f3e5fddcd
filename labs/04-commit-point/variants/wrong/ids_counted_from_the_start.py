"""Ids are counted from one, and counted from one again after a restart."""
# caught by: after a restart no id comes again

import itertools


class ObjectStore(ObjectStore):
    def __init__(self, store, new_id=None):
        counter = itertools.count(1)
        super().__init__(store, new_id or (lambda: next(counter).to_bytes(ID_BYTES, "big")))
