"""An open store under test, and what can be seen of it from outside."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import md5
from itertools import pairwise

from veristack_lab.errors import StoreError
from veristack_lab.sim.clocks import EPOCH_MS, SimClock
from veristack_lab.sim.disk.simdisk import SimDisk
from veristack_lab.sim.store.engine import STORE_PATH, Engine
from veristack_lab.veristore.kv import Store
from veristack_lab.veristore.objects.store import ObjectStore

State = dict[tuple[str, ...], bytes]
"""All that a user can see, flat: ("key", key) -> value, ("bucket", name) -> nothing,
("object", bucket, key) -> content, ("upload", bucket, key) -> nothing,
("part", bucket, key, number) -> size and MD5."""

OBJECT_PREFIX = b"obj\x00"
"""Keys of the object store's own records; users see objects instead."""
_DAY_MS = 24 * 3600 * 1000


def key_item(key: bytes) -> tuple[str, ...]:
    """A key of the store as an item of a `State`."""
    return ("key", key.decode("latin-1"))


def content_name(content: bytes) -> bytes:
    """Size and MD5 of a part, as the object store reports them."""
    return b"%d/" % len(content) + md5(content, usedforsecurity=False).hexdigest().encode()


@dataclass
class Session:
    """One life of a store: from opening it to a crash or its close.

    Args:
        engine: how to open things.
        disk: the simulated disk.
        with_objects: whether to open an object store too.
        life: how many lives there were before; each has a clock a day later.
    """

    engine: Engine
    disk: SimDisk
    with_objects: bool
    life: int = 0
    clock: SimClock = field(init=False)
    store: Store = field(init=False)
    _objects: ObjectStore | None = field(init=False, default=None)
    uploads: dict[tuple[str, str], str] = field(init=False, default_factory=dict)
    """Upload ids by bucket and key."""
    etags: dict[tuple[str, str, int], str] = field(init=False, default_factory=dict)
    """ETags of parts by bucket, key and number."""
    disorder: str = field(init=False, default="")
    """Items that the last look found out of byte order."""

    def __post_init__(self) -> None:
        self.open()

    @property
    def objects(self) -> ObjectStore:
        """The object store."""
        assert self._objects is not None  # a workload that uses objects says so
        return self._objects

    def open(self) -> None:
        """Open the store, recovering what is there. Raises what the engine raises."""
        self.clock = SimClock(EPOCH_MS + self.life * _DAY_MS)
        self.disk.delay = self.clock.advance
        disk = self.engine.disk(self.disk)
        self.store = self.engine.open(disk, self.clock, STORE_PATH)
        self._objects = self.engine.objects(self.store) if self.with_objects else None

    def reopen(self) -> None:
        """Close the store if it still can be, and open it again."""
        with suppress(StoreError):
            self.store.close()
        self.life += 1
        self.open()

    def observe(self) -> State:
        """All that a user can see. Raises what the engine raises."""
        pairs = list(self.store.scan())
        self.disorder = _disorder("keys", [key for key, _ in pairs])
        state = {key_item(key): value for key, value in pairs if not key.startswith(OBJECT_PREFIX)}
        for bucket in self.objects.buckets() if self.with_objects else ():
            state["bucket", bucket] = b""
            keys = [info.key for info in self.objects.list(bucket)]
            self.disorder = self.disorder or _disorder(
                f"objects of {bucket}", [key.encode() for key in keys]
            )
            for key in keys:
                state["object", bucket, key] = self.objects.get(bucket, key)
            state.update(self._observe_uploads(bucket))
        return state

    def _observe_uploads(self, bucket: str) -> State:
        state: State = {}
        for upload in self.objects.uploads(bucket):
            state["upload", bucket, upload.key] = b""
            for part in self.objects.parts(bucket, upload.key, upload.upload_id):
                item = ("part", bucket, upload.key, str(part.number))
                state[item] = b"%d/" % part.size_bytes + part.etag.encode()
        return state


def _disorder(what: str, names: Sequence[bytes]) -> str:
    for before, after in pairwise(names):
        if before >= after:
            return f"of the {what}, {after!r} comes after {before!r}"
    return ""
