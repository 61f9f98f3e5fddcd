"""One suite for every `Objects`: the store itself, and the one behind HTTP."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

import veristack_lab.veristore as veristore
from veristack_lab.errors import (
    BucketNotFound,
    ChecksumMismatch,
    InvalidInput,
    ObjectNotFound,
    ObjectStoreUnavailable,
)
from veristack_lab.runtime.processes import free_port
from veristack_lab.veristore import ObjectInfo, Objects, ObjectStore, RemoteObjectStore, Store
from veristack_lab.veristore.objects import remote
from veristack_lab.veristore.s3.errors import KIND_HEADER

CHUNK_BYTES = 64
AWKWARD_KEYS = ["a/../b", "..", ".", "a//b", "/lead", "é✓", "🙂", "ﬀ", "x\x01\n", "z?q#f%41+ &"]


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with veristore.open(folder / "store") as opened:
        yield opened


@pytest.fixture
def near(store: Store) -> ObjectStore:
    return ObjectStore(store, chunk_bytes=CHUNK_BYTES)


@pytest.fixture(params=["near", "remote"])
def objects(request: pytest.FixtureRequest, near: ObjectStore) -> Iterator[Objects]:
    with ExitStack() as resources:
        if request.param == "near":
            yield near
        else:
            url = resources.enter_context(veristore.s3.serve_in_thread(near))
            yield resources.enter_context(RemoteObjectStore(url))


def content_files(store: Store) -> list[Path]:
    """Where the content of large objects lies."""
    return sorted((store.path / "blobs").iterdir())


def test_a_bucket_is_made_once(objects: Objects) -> None:
    assert objects.create_bucket("b") is True
    assert objects.create_bucket("b") is False
    assert objects.list("b") == []


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 10 * CHUNK_BYTES + 7])
def test_content_and_facts_come_back(objects: Objects, size: int) -> None:
    data = bytes(number % 251 for number in range(size))
    objects.create_bucket("b")
    notes = {"step": "12", "note": "two words", "empty": ""}
    info = objects.put("b", "k", data, content_type="text/plain", metadata=notes)
    assert info == ObjectInfo(
        "b",
        "k",
        size,
        hashlib.sha256(data).hexdigest(),
        "text/plain",
        notes,
        info.created_ms,
        hashlib.md5(data).hexdigest(),
    )
    assert objects.get("b", "k") == data
    assert objects.head("b", "k") == info
    assert objects.list("b") == [info]


def test_names_are_any_text_and_listed_in_byte_order(objects: Objects) -> None:
    objects.create_bucket("a:b")
    objects.create_bucket("a")
    for key in AWKWARD_KEYS:
        objects.put("a", key, key.encode())
        objects.put("a:b", key, b"other " + key.encode())
    for key in AWKWARD_KEYS:
        assert objects.get("a", key) == key.encode()
        assert objects.get("a:b", key) == b"other " + key.encode()
    listed = [info.key for info in objects.list("a")]
    assert listed == sorted(AWKWARD_KEYS, key=str.encode)
    assert [info.key for info in objects.list("a", "a/")] == ["a/../b", "a//b"]
    assert objects.list("a", "nothing like it") == []


def test_an_overwrite_replaces_all_of_it(objects: Objects, store: Store) -> None:
    objects.create_bucket("b")
    objects.put("b", "k", bytes(1000), metadata={"old": "1"})
    objects.put("b", "k", b"new")
    assert objects.get("b", "k") == b"new"
    assert objects.head("b", "k").metadata == {}
    assert content_files(store) == [], "the old content went"


def test_what_is_missing_is_named(objects: Objects) -> None:
    objects.create_bucket("b")
    for call in (objects.get, objects.head):
        with pytest.raises(ObjectNotFound):
            call("b", "no")
        with pytest.raises(BucketNotFound):
            call("no", "no")
    with pytest.raises(BucketNotFound):
        objects.list("no")
    with pytest.raises(BucketNotFound):
        objects.put("no", "k", b"")
    with pytest.raises(BucketNotFound):
        objects.delete("no", "k")
    objects.delete("b", "never was")


def test_deleting_takes_the_content_along(objects: Objects, store: Store) -> None:
    objects.create_bucket("b")
    objects.put("b", "k", bytes(1000))
    objects.delete("b", "k")
    with pytest.raises(ObjectNotFound):
        objects.get("b", "k")
    assert content_files(store) == list(store.scan(b"obj\x00m")) == []


def test_names_and_notes_that_cannot_be(objects: Objects) -> None:
    objects.create_bucket("b")
    for bucket in ("", "a/b", "x" * 256, "\ud800"):
        with pytest.raises(InvalidInput):
            objects.create_bucket(bucket)
    for key in ("", "k" * 1025, "é" * 513, "\udfff"):
        with pytest.raises(InvalidInput):
            objects.put("b", key, b"")
    for notes in ({"Upper": "x"}, {"a b": "x"}, {"n": "a\nb"}, {"n": " x"}, {"n": "é" * 4500}):
        with pytest.raises(InvalidInput):
            objects.put("b", "k", b"", metadata=notes)
    with pytest.raises(InvalidInput, match="content type"):
        objects.put("b", "k", b"", content_type="a\nb")
    with pytest.raises(InvalidInput, match="bytes, not str"):
        objects.put("b", "k", "text")  # type: ignore[arg-type]
    assert objects.list("b") == []


def test_rotten_content_is_never_handed_out(objects: Objects, store: Store) -> None:
    objects.create_bucket("b")
    objects.put("b", "k", bytes(3 * CHUNK_BYTES))
    (path,) = content_files(store)
    rotten = bytearray(path.read_bytes())
    rotten[-1] ^= 1
    path.write_bytes(rotten)
    with pytest.raises(ChecksumMismatch, match=r"b/k: chunk 2 .* \(BAD_CRC\)"):
        objects.get("b", "k")
    path.unlink()
    with pytest.raises(ChecksumMismatch, match=r"b/k: its content file .* is missing"):
        objects.get("b", "k")


def test_readers_see_whole_versions_while_writers_replace(objects: Objects) -> None:
    objects.create_bucket("b")
    versions = [bytes([n]) * (CHUNK_BYTES * 3 + n) for n in range(1, 6)]
    objects.put("b", "k", versions[0])
    failures: list[bytes] = []

    def write(first: int) -> None:
        for number in range(40):
            objects.put("b", "k", versions[(first + number) % len(versions)])

    def read() -> None:
        found = [objects.get("b", "k") for _ in range(80)]
        failures.extend(data for data in found if data not in versions)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(2)]
    threads += [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_the_collector_spares_puts_in_flight(store: Store, near: ObjectStore) -> None:
    near.create_bucket("b")
    stop = threading.Event()
    collected: list[int] = []

    def collect() -> None:
        while not stop.is_set():
            collected.append(near.collect_garbage())

    collector = threading.Thread(target=collect)
    collector.start()
    for number in range(25):
        ObjectStore(store, chunk_bytes=8).put("b", f"k{number}", bytes([number]) * 100)
    stop.set()
    collector.join()
    assert sum(collected) == 0
    for number in range(25):
        assert near.get("b", f"k{number}") == bytes([number]) * 100


def test_orphans_are_collected(store: Store, near: ObjectStore) -> None:
    near.create_bucket("b")
    near.put("b", "k", bytes(200))
    store.put(b"obj\x00c" + b"i" * 16 + b"\x00\x00\x00\x00", b"orphan")
    assert near.collect_garbage() == 1
    assert near.collect_garbage() == 0
    assert near.get("b", "k") == bytes(200)


def test_a_remote_reader_leaves_the_content_s_own_encoding_alone(near: ObjectStore) -> None:
    near.create_bucket("b")
    packed = gzip.compress(b"text " * 100)
    for key, data in (("packed", packed), ("not packed", b"plain")):
        near.put("b", key, data, headers={"content-encoding": "gzip"})
    upload = near.start_upload("b", "parts")
    part = near.put_part("b", "parts", upload, 1, packed)
    near.complete_upload("b", "parts", upload, [(1, part.etag)])
    with veristore.s3.serve_in_thread(near) as url, RemoteObjectStore(url) as far:
        for key in ("packed", "not packed", "parts"):
            assert far.get("b", key) == near.get("b", key)
            assert far.head("b", key) == near.head("b", key)


def test_a_server_that_is_not_there(folder: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with (
        RemoteObjectStore(url) as far,
        pytest.raises(ObjectStoreUnavailable, match="veristack s3 serve"),
    ):
        far.get("b", "k")
    with pytest.raises(InvalidInput, match="URL"):
        RemoteObjectStore("127.0.0.1:9000")


def test_a_remote_list_goes_beyond_one_page(
    near: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("veristack_lab.veristore.s3.listing.MAX_PAGE", 3)
    near.create_bucket("b")
    for number in range(10):
        near.put("b", f"k{number} 100%", b"")
    with veristore.s3.serve_in_thread(near) as url, RemoteObjectStore(url) as far:
        assert far.list("b") == near.list("b")


def test_two_servers_cannot_share_a_port(near: ObjectStore) -> None:
    with veristore.s3.serve_in_thread(near) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(InvalidInput, match="another"), veristore.s3.serve_in_thread(near, port):
            raise AssertionError("two servers on one port")


def test_a_server_that_does_not_answer_is_not_called_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s, called = 0.0, 0

    def call(_: httpx.Request) -> httpx.Response:
        nonlocal called
        called += 1
        if now_s < remote.OPEN_S:
            raise httpx.ReadTimeout("timed out")
        return httpx.Response(404, headers={KIND_HEADER: "ObjectNotFound"}, content=b"<Error/>")

    monkeypatch.setattr(remote, "monotonic", lambda: now_s)
    with RemoteObjectStore("http://127.0.0.1:9") as objects:
        objects._client.close()
        objects._client = httpx.Client(transport=httpx.MockTransport(call))
        for _ in range(remote.FAILURES + 2):
            with pytest.raises(ObjectStoreUnavailable, match="not answer"):
                objects.delete("b", "k")
        assert called == remote.FAILURES
        now_s = remote.OPEN_S
        for _ in range(remote.FAILURES + 2):  # a refusal is an answer
            with pytest.raises(ObjectNotFound):
                objects.get("b", "k")
        assert called == 2 * remote.FAILURES + 2
