"""The power is cut before every disk operation of every call of the object store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

import veristack_lab.veristore as veristore
from tests.faulty_disk import CutDisk, FailingDisk, PowerCut, quick_folder
from veristack_lab.errors import StoreFailed
from veristack_lab.veristore import ObjectStore, Store
from veristack_lab.veristore.kv import open_store

CHUNK_BYTES = 16
LARGE, OTHER, SMALL = bytes(range(50)), bytes(range(100, 190)), b"small"

State = Mapping[str, bytes]
"""Key to content, of all objects; an open upload is the key "UPLOADS" with its count."""


def opened(store: Store) -> ObjectStore:
    return ObjectStore(store, chunk_bytes=CHUNK_BYTES, min_part_bytes=1)


def with_parts(objects: ObjectStore) -> None:
    """An upload of three parts, one of them replaced."""
    upload = objects.start_upload("b", "k")
    for number, data in ((2, OTHER), (1, SMALL), (1, LARGE), (3, SMALL)):
        objects.put_part("b", "k", upload, number, data)


def upload_of(objects: ObjectStore) -> str:
    (upload,) = objects.uploads("b")
    return upload.upload_id


def complete(objects: ObjectStore) -> None:
    """With two of the parts: the third is left over."""
    upload = upload_of(objects)
    parts = [(part.number, part.etag) for part in objects.parts("b", "k", upload)]
    objects.complete_upload("b", "k", upload, parts[:2])


def leave_an_orphan(objects: ObjectStore) -> None:
    folder = objects._blobs.path
    folder.mkdir(exist_ok=True)
    for number in range(3):
        (folder / (bytes([number]) * 16).hex()).write_bytes(b"of a put that was cut")


def nothing(objects: ObjectStore) -> None:
    """As it is."""


Step = Callable[[ObjectStore], object]
CASES: dict[str, tuple[Step, Step, list[State]]] = {
    # what was before, what is cut, and the states that may be found: before, ..., after
    "put": (nothing, lambda o: o.put("b", "k", LARGE), [{}, {"k": LARGE}]),
    "put small": (nothing, lambda o: o.put("b", "k", SMALL), [{}, {"k": SMALL}]),
    "overwrite": (
        lambda o: o.put("b", "k", LARGE),
        lambda o: o.put("b", "k", OTHER),
        [{"k": LARGE}, {"k": OTHER}],
    ),
    "overwrite by small": (
        lambda o: o.put("b", "k", LARGE),
        lambda o: o.put("b", "k", SMALL),
        [{"k": LARGE}, {"k": SMALL}],
    ),
    "delete": (lambda o: o.put("b", "k", LARGE), lambda o: o.delete("b", "k"), [{"k": LARGE}, {}]),
    "delete many": (
        lambda o: [o.put("b", key, LARGE) for key in "jk"],
        lambda o: o.delete_many("b", ["j", "k", "no"]),
        [{"j": LARGE, "k": LARGE}, {}],
    ),
    "copy": (
        lambda o: o.put("b", "k", LARGE),
        lambda o: o.copy("b", "k", "b", "j"),
        [{"k": LARGE}, {"k": LARGE, "j": LARGE}],
    ),
    "copy onto itself": (
        lambda o: o.put("b", "k", LARGE),
        lambda o: o.copy("b", "k", "b", "k", metadata={"new": "1"}),
        [{"k": LARGE}],
    ),
    "part": (
        with_parts,
        lambda o: o.put_part("b", "k", upload_of(o), 2, LARGE),
        [{"UPLOADS": LARGE + OTHER + SMALL}, {"UPLOADS": LARGE + LARGE + SMALL}],
    ),
    "complete": (
        lambda o: (o.put("b", "k", SMALL), with_parts(o)),
        complete,
        [{"k": SMALL, "UPLOADS": LARGE + OTHER + SMALL}, {"k": LARGE + OTHER}],
    ),
    "abort": (
        with_parts,
        lambda o: o.abort_upload("b", "k", upload_of(o)),
        [{"UPLOADS": LARGE + OTHER + SMALL}, {}],
    ),
    "collect": (
        lambda o: (o.put("b", "k", LARGE), leave_an_orphan(o)),
        lambda o: o.collect_garbage(),
        [{"k": LARGE}],
    ),
    "delete bucket": (
        lambda o: (o.create_bucket("c"), o.start_upload("c", "k"), o.put("b", "k", LARGE)),
        lambda o: o.delete_bucket("c"),
        [{"k": LARGE}],
    ),
}


@pytest.fixture
def quick() -> Iterator[Path]:
    with quick_folder() as folder:
        yield folder


@pytest.mark.parametrize("name", CASES)
def test_a_cut_anywhere_leaves_the_state_before_or_after(name: str, quick: Path) -> None:
    before, step, states = CASES[name]
    found_states = set()
    points = 0
    for at in range(1, 200):
        place = quick / str(at)
        with veristore.open(place) as store:
            objects = opened(store)
            objects.create_bucket("b")
            before(objects)
        disk = CutDisk(at)
        try:
            with open_store(place, disk=disk) as store:
                objects = opened(store)
                step(objects)
                acknowledged = True
        except PowerCut:
            acknowledged = False
            points += 1
        finally:
            disk.die()
        found = audit(place, states)
        found_states.add(found)
        if acknowledged:
            assert found == len(states) - 1
            break
    assert points >= 2
    assert found_states == set(range(len(states))), "cuts fell before and after the commit point"


def audit(place: Path, states: list[State]) -> int:
    """Which of the states is found, whole and without orphans, and as well after one more open."""
    with veristore.open(place) as store:
        objects = opened(store)
        first = state_of(objects)
        files = sorted(path.name for path in (place / "blobs").glob("*"))
        assert files == sorted(key[5:].hex() for key, _ in store.scan(b"obj\x00r"))
        assert objects.collect_garbage() == 0
        objects.put("b", "after", OTHER)
        assert objects.get("b", "after") == OTHER
        objects.delete("b", "after")
    with veristore.open(place) as store:
        assert state_of(opened(store)) == first
    return states.index(first)


def state_of(objects: ObjectStore) -> dict[str, bytes]:
    """All contents, read and verified; of open uploads those of the parts, as if completed."""
    state = {info.key: objects.get("b", info.key) for info in objects.list("b")}
    for upload in objects.uploads("b"):
        raw_id = bytes.fromhex(upload.upload_id)
        blobs = [part.blob for part in objects._parts(raw_id)]
        pieces = [objects._blobs.read(blob, 0, blob.size_bytes, "part") for blob in blobs]
        state["UPLOADS"] = b"".join(piece for read in pieces for piece in read)
    return state


def test_a_failed_commit_keeps_the_content_until_it_is_known(quick: Path) -> None:
    """The metadata of a put whose sync failed may be in the log nevertheless."""
    disk = FailingDisk("fdatasync")
    with open_store(quick / "s", disk=disk) as store:
        objects = opened(store)
        objects.create_bucket("b")
        objects.put("b", "k", OTHER)
        original = objects._commit

        def commit(*args: object, **kwargs: object) -> None:
            disk.armed = True
            original(*args, **kwargs)  # type: ignore[arg-type]

        objects._commit = commit  # type: ignore[method-assign]
        with pytest.raises(StoreFailed):
            objects.put("b", "k", LARGE)
        assert len(objects._blobs.ids()) == 2, "neither the new nor the old content may go yet"
        assert objects.collect_garbage() == 0
        assert objects.get("b", "k") == OTHER
        disk.armed = False
    with veristore.open(quick / "s") as store:
        objects = opened(store)
        assert objects.get("b", "k") in (OTHER, LARGE)
        assert len(objects._blobs.ids()) == 1
