"""An object's id is the time in milliseconds.

Two puts in one millisecond share an id. In the ancestor the second writes its chunks over
the first one's, in place: a reader of the old object gets a mixture, and so does every reader after
a power cut. Here a second line of defence holds: content is never written over content, so the put
is refused; but the disk is well, and no client did anything wrong. The healthy engine
draws 128 random bits for each content.
"""

from __future__ import annotations

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.objects import stages
from veristack_lab.museum.store.trials import PowerCuts
from veristack_lab.sim.store.engine import engine_of
from veristack_lab.veristore.objects.store import ObjectStore


class _Objects(ObjectStore):
    def _new_id(self) -> bytes:
        return self._store.clock.now_ms().to_bytes(16, "little")


EXHIBIT = Exhibit(
    __name__,
    title="two objects of one millisecond share an id",
    promise="refuses-nothing",
    source="ancestor, V16",
    seam="ObjectStore._new_id",
    trial=PowerCuts(stages.library, engine_of(objects_type=_Objects), seed=1, samples=60),
)
