"""Opening the image of a power cut, and all that follows from the image alone.

What an image recovers to does not depend on how it came about, so every result is kept under
the digest of the image: many cuts leave the same bytes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from veristack_lab.kernels.records import HEADER_BYTES as RECORD_HEADER_BYTES
from veristack_lab.sim.disk import SimDisk
from veristack_lab.sim.engine import CHUNK_BYTES, STORE_PATH, Engine
from veristack_lab.sim.operations import Operation
from veristack_lab.sim.session import Session, State, key_item
from veristack_lab.veristore.blobs import FOLDER_NAME, HEADER_BYTES
from veristack_lab.veristore.object_records import META, PART, REFERENCE, UPLOAD

PROBE_KEY = b"\xff written after recovery"
PROBE_OBJECT = "written after recovery"
PROBE_CONTENT = b"after recovery. " * 80
_NESTED_LIMIT = 6
"""Images of a cut during recovery that are opened, at each of its operations."""


@dataclass(frozen=True)
class Recovered:
    """What opening an image gave."""

    state: State
    last_lsn: int
    torn_bytes: int
    error: str
    """Why it could not be opened or read; empty if it could."""
    disk: SimDisk
    """The disk afterwards."""
    session: Session | None

    @property
    def operations(self) -> list[Operation]:
        """What recovery did to the disk."""
        return self.disk.operations


@dataclass(frozen=True)
class Examination:
    """All that the promises need to know of one image."""

    state: State
    last_lsn: int
    torn_bytes: int
    opening: str
    """Why it could not be opened or read."""
    second: str
    """How a second recovery differed from the first."""
    nested: str
    """How a recovery that was cut by power differed from one that was not."""
    nested_points: int
    """Disk operations of the recovery; the power was cut behind each."""
    going_on: str
    """How a write after recovery went wrong."""
    orphans: str
    """What is left over though nothing refers to it."""


class Prober:
    """Opens images, each distinct one once.

    Args:
        engine: under test.
        with_objects: whether to open the object store too.
    """

    def __init__(self, engine: Engine, *, with_objects: bool) -> None:
        self._engine = engine
        self._with_objects = with_objects
        self._examined: dict[bytes, Examination] = {}
        self._reopened: dict[bytes, Recovered] = {}
        self.recoveries = 0
        """Images opened so far."""

    def recover(self, image: SimDisk) -> Recovered:
        """Open an image once. The disk given is changed by it."""
        self.recoveries += 1
        try:
            session = Session(self._engine, image, self._with_objects, life=1)
            state = session.observe()
        except Exception as error:  # noqa: BLE001 a broken engine may raise anything: a finding
            return Recovered({}, 0, 0, f"{type(error).__name__}: {error}", image, None)
        stats = session.store.stats()
        return Recovered(state, stats.last_lsn, stats.recovery.torn_bytes, "", image, session)

    def examine(self, image: SimDisk) -> Examination:
        """All about one image."""
        name = image.tree_digest()
        if name not in self._examined:
            self._examined[name] = self._examine(image, self.recover(image.after_kill()))
        return self._examined[name]

    def _examine(self, image: SimDisk, first: Recovered) -> Examination:
        points = len(first.operations)
        opened = first.session is not None
        return Examination(
            state=first.state,
            last_lsn=first.last_lsn,
            torn_bytes=first.torn_bytes,
            opening=first.error,
            nested_points=points,
            second=self._second(first) if opened else "",
            nested=self._nested(image, first) if opened else "",
            # from here on the recovered disk itself is written to
            orphans=_orphans(first) if opened else "",
            going_on=self._going_on(first) if opened else "",
        )

    def _second(self, first: Recovered) -> str:
        """Recover again what was recovered, as after the death of the process alone."""
        bytes_before = first.disk.tree_digest()
        second = self.recover(first.disk.after_kill())
        difference = _difference(first, second)
        if not difference and second.disk.tree_digest() != bytes_before:
            difference = "the files have other bytes than after the first"
        return difference

    def _nested(self, image: SimDisk, first: Recovered) -> str:
        """Cut the power behind each operation of the recovery, and recover from that."""
        disk = image.after_kill()
        for operation in list(first.operations):
            disk.apply(operation)
            for cut in disk.images(_NESTED_LIMIT, byte_cuts=1):
                again = self._reopen(disk.image(cut.choice))
                difference = _difference(first, again)
                if difference:
                    return f"cut behind '{operation}' ({cut.policy}): {difference}"
        return ""

    def _reopen(self, image: SimDisk) -> Recovered:
        name = image.tree_digest()
        if name not in self._reopened:
            self._reopened[name] = self.recover(image)
        return self._reopened[name]

    def _going_on(self, first: Recovered) -> str:
        """Write after recovery, cut the power once more, and look for the write."""
        session = first.session
        assert session is not None  # it was opened
        try:
            lsn, added = _write_more(session, first)
        except Exception as error:  # noqa: BLE001 a broken engine may raise anything: a finding
            return f"a write was refused: {type(error).__name__}: {error}"
        if lsn <= first.last_lsn:
            return f"a new write got LSN {lsn}, not above {first.last_lsn}"
        wanted = {**first.state, **added}
        for policy in ("lost", "any"):
            again = self.recover(first.disk.crash(policy, first.last_lsn))
            if again.error:
                return f"after one more cut: {again.error}"
            if again.state != wanted:
                return f"after one more cut: {describe_difference(wanted, again.state)}"
            if again.last_lsn < lsn:
                return f"after one more cut the LSN went back from {lsn} to {again.last_lsn}"
        return ""


def _write_more(session: Session, first: Recovered) -> tuple[int, State]:
    """Put a key, and an object if there is a bucket. Returns the key's LSN and what is new."""
    value = b"%d" % first.last_lsn
    lsn = session.store.put(PROBE_KEY, value)
    added: State = {key_item(PROBE_KEY): value}
    buckets = session.objects.buckets() if session.with_objects else []
    if buckets:
        session.objects.put(buckets[0], PROBE_OBJECT, PROBE_CONTENT)
        added["object", buckets[0], PROBE_OBJECT] = PROBE_CONTENT
    session.store.sync()
    return lsn, added


def _orphans(first: Recovered) -> str:
    """What the object store holds beyond the contents that can be read."""
    session = first.session
    if session is None or not session.with_objects:
        return ""
    found = session.objects.collect_garbage()
    if found:
        return f"the collection at opening left {found} contents that a second one found"
    kinds = Counter(item[0] for item in first.state)
    for prefix, kind in ((UPLOAD, "upload"), (PART, "part"), (META, "object")):
        records = sum(1 for _ in session.store.scan(prefix))
        if records != kinds[kind]:
            return f"there are {records} {kind} records for {kinds[kind]} {kind}s"
    return _orphaned_content(first, session)


def _orphaned_content(first: Recovered, session: Session) -> str:
    """Compare content files with their references, and with the contents by length."""
    files = first.disk.folder_sizes(STORE_PATH / FOLDER_NAME)
    references = sum(1 for _ in session.store.scan(REFERENCE))
    if len(files) != references:
        return f"there are {len(files)} content files and {references} references"
    held = sum(_content_bytes(size) for size in files)
    wanted = sum(
        int(value.partition(b"/")[0]) if item[0] == "part" else len(value)
        for item, value in first.state.items()
        if item[0] in ("object", "part")
    )
    return f"{held - wanted} bytes belong to no object" if held > wanted else ""


def _content_bytes(file_bytes: int) -> int:
    """What a content file of this length holds, without its header and those of its chunks."""
    framed = file_bytes - HEADER_BYTES
    return framed - -(-framed // (CHUNK_BYTES + RECORD_HEADER_BYTES)) * RECORD_HEADER_BYTES


def _difference(first: Recovered, second: Recovered) -> str:
    if second.error:
        return second.error
    if second.state != first.state:
        return describe_difference(first.state, second.state)
    if second.last_lsn < first.last_lsn:
        return f"the last LSN went back from {first.last_lsn} to {second.last_lsn}"
    return ""


def describe_difference(wanted: State, found: State) -> str:
    """The first item in which two states differ, in words."""
    for item in sorted(wanted.keys() | found.keys()):
        if wanted.get(item) != found.get(item):
            name = " ".join(item)
            return f"{name!r} is {_brief(found.get(item))}, not {_brief(wanted.get(item))}"
    return ""


def _brief(value: bytes | None) -> str:
    if value is None:
        return "absent"
    return repr(value) if len(value) <= 12 else f"{value[:8]!r}... ({len(value)} bytes)"
