"""Objects on a disk that is full, or fails, or holds what older versions wrote."""

from __future__ import annotations

import errno
import hashlib
import json
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

import veristack_lab.veristore as veristore
from tests.faulty_disk import FailingDisk, RecordingDisk, quick_folder
from tests.small_chunks import CHUNK, DATA, pieces
from veristack_lab.errors import (
    ChecksumMismatch,
    DiskFull,
    InvalidInput,
    NotAStore,
    ObjectNotFound,
    StoreFailed,
)
from veristack_lab.veristore import ObjectStore, Store
from veristack_lab.veristore.kv import open_store


@pytest.fixture
def store() -> Iterator[Store]:
    with quick_folder() as folder, veristore.open(folder / "store") as opened:
        yield opened


@pytest.fixture
def objects(store: Store) -> ObjectStore:
    objects = ObjectStore(store, chunk_bytes=CHUNK)
    objects.create_bucket("b")
    return objects


# ------------------------------------------------------------------ disk trouble


def test_files_are_durable_before_the_metadata_and_go_after_it(folder: Path) -> None:
    disk = RecordingDisk()
    with open_store(folder / "s", disk=disk) as store:
        objects = ObjectStore(store, chunk_bytes=CHUNK)
        objects.create_bucket("b")
        objects.put("b", "k", DATA)
        (old,) = (blob_id.hex() for blob_id in objects._blobs.ids())
        disk.operations.clear()
        objects.put("b", "k", DATA[::-1])
        (new,) = (blob_id.hex() for blob_id in objects._blobs.ids())
        log = disk.operations[-2][1]
        assert log.startswith("log-")
        assert disk.operations == [
            ("create", new),
            ("pwrite", new),
            ("pwrite", new),
            ("fdatasync", new),
            ("fsync_dir", "blobs"),
            ("pwrite", log),
            ("fdatasync", log),
            ("unlink", old),
        ]


@pytest.mark.parametrize("operation", ["create", "pwrite", "fdatasync"])
def test_no_room_is_no_harm(folder: Path, operation: str) -> None:
    disk = FailingDisk(operation, errno.ENOSPC)
    with open_store(folder / "s", disk=disk) as store:
        objects = ObjectStore(store, chunk_bytes=CHUNK)
        objects.create_bucket("b")
        objects.put("b", "k", DATA)
        disk.armed = True
        with pytest.raises(DiskFull, match="put it again"):
            objects.put("b", "k", DATA[::-1])
        disk.armed = False
        assert objects.get("b", "k") == DATA
        assert len(objects._blobs.ids()) == 1
        objects.put("b", "k", DATA[::-1])
        assert objects.get("b", "k") == DATA[::-1]


@pytest.mark.parametrize("operation", ["create", "pwrite", "fdatasync", "fsync_dir"])
def test_a_failing_disk_ends_the_writing_of_files(folder: Path, operation: str) -> None:
    disk = FailingDisk(operation)
    with open_store(folder / "s", disk=disk) as store:
        objects = ObjectStore(store, chunk_bytes=CHUNK)
        objects.create_bucket("b")
        objects.put("b", "k", DATA)
        disk.armed = True
        with pytest.raises(StoreFailed, match="reopen"):
            objects.put("b", "k", DATA[::-1])
        disk.armed = False
        with pytest.raises(StoreFailed, match="reopen"):
            objects.put("b", "k", DATA[::-1])
        assert objects.get("b", "k") == DATA
    with veristore.open(folder / "s") as store:
        objects = ObjectStore(store, chunk_bytes=CHUNK)
        objects.put("b", "k", DATA[::-1])
        assert objects.get("b", "k") == DATA[::-1]


def test_a_file_that_cannot_be_removed_is_left_to_the_collector(folder: Path) -> None:
    disk = FailingDisk("unlink")
    with open_store(folder / "s", disk=disk) as store:
        objects = ObjectStore(store, chunk_bytes=CHUNK)
        objects.create_bucket("b")
        objects.put("b", "k", DATA)
        disk.armed = True
        objects.put("b", "k", DATA[::-1])
        assert disk.failures == 1
        assert objects.get("b", "k") == DATA[::-1]
        disk.armed = False
        assert objects.collect_garbage() == 1


# ------------------------------------------------------------------- old formats


def write_version_1(store: Store, bucket: str, key: str, data: bytes, object_id: bytes) -> None:
    """An object as the first release wrote it: chunks in the map, JSON without a newline."""
    chunks = list(pieces(data, CHUNK))
    for number, chunk in enumerate(chunks):
        store.put(b"obj\x00c" + object_id + struct.pack(">I", number), chunk)
    name = bucket.encode()
    fields = {
        "bucket": bucket,
        "key": key,
        "size_bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "content_type": "text/plain",
        "metadata": {"n": "1"},
        "created_ms": 5,
        "md5": hashlib.md5(data).hexdigest(),
        "object_id": object_id.hex(),
        "chunks": len(chunks),
    }
    record = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
    store.put(b"obj\x00m" + struct.pack(">H", len(name)) + name + key.encode(), record)


def test_objects_of_version_1_are_read_and_replaced(objects: ObjectStore, store: Store) -> None:
    for number, key in enumerate("ijk"):
        write_version_1(store, "b", key, DATA, bytes([number]) * 16)
    write_version_1(store, "b", "empty", b"", b"e" * 16)
    info = objects.head("b", "k")
    assert (info.etag, info.content_type, info.headers) == (info.md5, "text/plain", {})
    assert [found.key for found in objects.list("b")] == ["empty", "i", "j", "k"]
    assert objects.get("b", "k") == DATA
    assert objects.get("b", "empty") == b""
    reader = objects.open("b", "k", start=5, end=40)
    assert objects.collect_garbage() == 0
    objects.put("b", "k", b"new")
    objects.delete("b", "j")
    assert reader.read() == DATA[5:40]
    assert objects.get("b", "k") == b"new"
    objects.copy("b", "i", "b", "k")
    assert objects.get("b", "k") == DATA
    assert len(list(store.scan(b"obj\x00c"))) == 11, "only those of i are left"
    store.delete(b"obj\x00c" + bytes(16) + struct.pack(">I", 3))
    with pytest.raises(ChecksumMismatch, match="149 of 165 stored bytes"):
        objects.get("b", "i")


def test_chunks_of_version_1_without_an_object_are_collected(store: Store) -> None:
    objects = ObjectStore(store)
    objects.create_bucket("b")
    write_version_1(store, "b", "k", DATA, b"k" * 16)
    for number in range(1200):
        store.put(b"obj\x00c" + b"o" * 16 + struct.pack(">I", number), b"orphan")
    assert objects.collect_garbage() == 1200
    assert objects.get("b", "k") == DATA


def test_records_of_a_newer_version_are_refused(objects: ObjectStore, store: Store) -> None:
    objects.put("b", "k", b"x")
    meta_key = objects._meta_key("b", "k")
    record = store.get(meta_key)
    assert record is not None
    store.put(meta_key, record.replace(b'"version":2', b'"version":4'))
    for call in (objects.get, objects.head):
        with pytest.raises(NotAStore, match="version 4"):
            call("b", "k")


def test_an_id_that_comes_twice_does_no_harm(store: Store) -> None:
    """V16: with ids made of the time, two puts of one millisecond share their content."""
    objects = ObjectStore(store, chunk_bytes=CHUNK, new_id=lambda: b"same" * 4)
    objects.create_bucket("b")
    objects.put("b", "k", DATA)
    with pytest.raises(InvalidInput, match="a second time"):
        objects.put("b", "j", DATA[::-1])
    assert objects.get("b", "k") == DATA
    with pytest.raises(ObjectNotFound):
        objects.head("b", "j")
