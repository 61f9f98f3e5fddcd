"""Bucket and key are joined by a colon that both may contain.

Key `b:k` of bucket `a` and key `k` of bucket `a:b` become the same record. One overwrites the
other, and a reader of the first gets the bytes of the second. The healthy engine writes
the bucket's length before it, so no two pairs can meet.
"""

from __future__ import annotations

from veristack_lab.errors import BucketNotFound
from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.objects import stages
from veristack_lab.museum.store.trials import PowerCuts
from veristack_lab.sim.store.engine import engine_of
from veristack_lab.veristore.objects.records import BUCKET, META
from veristack_lab.veristore.objects.store import ObjectStore


class _Objects(ObjectStore):
    def _meta_prefix(self, bucket: str) -> bytes:
        if self._store.get(BUCKET + bucket.encode()) is None:
            raise BucketNotFound
        return META + bucket.encode() + b":"


EXHIBIT = Exhibit(
    __name__,
    title="bucket and key are joined by a character that both may contain",
    promise="objects-whole",
    source="ancestor, V15",
    seam="ObjectStore._meta_prefix",
    trial=PowerCuts(stages.colliding_names, engine_of(objects_type=_Objects), seed=1, samples=60),
)
