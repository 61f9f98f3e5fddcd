"""Objects are listed in the order of a hash table.

The ancestor keeps its index in an unordered map, while its documentation promises
lexicographic order. A client that reads a bucket page by page then gets some keys twice and others
never. S3 lists in the byte order of UTF-8, and so does the healthy engine.
"""

from __future__ import annotations

from hashlib import md5

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.objects import stages
from veristack_lab.museum.store.trials import PowerCuts
from veristack_lab.sim.store.engine import engine_of
from veristack_lab.veristore.objects.store import ObjectStore
from veristack_lab.veristore.objects.types import ObjectInfo


class _Objects(ObjectStore):
    def list(self, bucket: str, prefix: str = "") -> list[ObjectInfo]:
        return sorted(super().list(bucket, prefix), key=lambda info: _hash(info.key))


def _hash(key: str) -> bytes:
    return md5(key.encode(), usedforsecurity=False).digest()


EXHIBIT = Exhibit(
    __name__,
    title="objects are listed in the order of a hash table",
    promise="listing-in-order",
    source="ancestor, V14",
    seam="ObjectStore.list",
    trial=PowerCuts(stages.alphabet, engine_of(objects_type=_Objects), seed=1, samples=60),
)
