"""The collector takes content that is still arriving for garbage.

Content is written before the metadata that refers to it, so while an upload is under way its
content looks like an orphan. The ancestor's collector removes it; the put then commits
metadata that leads nowhere, and is acknowledged. The healthy collector asks for the puts in
flight before it looks for references.
"""

from __future__ import annotations

from collections.abc import Sequence

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.objects import stages
from veristack_lab.museum.store.trials import PowerCuts
from veristack_lab.sim.store.engine import engine_of
from veristack_lab.veristore.objects.records import reference_key
from veristack_lab.veristore.objects.store import ObjectStore


class _Objects(ObjectStore):
    def _orphans(self) -> Sequence[bytes]:
        get = self._store.get
        return [blob_id for blob_id in self._blobs.ids() if get(reference_key(blob_id)) is None]


EXHIBIT = Exhibit(
    __name__,
    title="the collector removes what an upload has just written",
    promise="objects-whole",
    source="ancestor, V17",
    seam="ObjectStore._orphans",
    trial=PowerCuts(stages.busy_collector, engine_of(objects_type=_Objects), seed=1, samples=8),
)
