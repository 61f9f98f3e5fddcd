"""Uploads in parts: any order, again, across reopens; completed once, or given up."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import veristack_lab.veristore as veristore
from tests.faulty_disk import quick_folder
from veristack_lab.errors import (
    BucketNotFound,
    ChecksumMismatch,
    InvalidInput,
    InvalidPart,
    InvalidPartOrder,
    ObjectNotFound,
    PartTooSmall,
    PreconditionFailed,
    UploadNotFound,
)
from veristack_lab.veristore import ObjectStore, Store
from veristack_lab.veristore.objects.types import PartInfo

CHUNK = 16
PARTS = [bytes([number]) * (40 + number) for number in range(1, 4)]


def opened(store: Store) -> ObjectStore:
    return ObjectStore(store, chunk_bytes=CHUNK, min_part_bytes=40)


@pytest.fixture
def store() -> Iterator[Store]:
    with quick_folder() as folder, veristore.open(folder / "store") as found:
        yield found


@pytest.fixture
def objects(store: Store) -> ObjectStore:
    objects = opened(store)
    objects.create_bucket("b")
    return objects


@pytest.fixture
def upload(objects: ObjectStore) -> str:
    return objects.start_upload(
        "b", "k", content_type="text/x", metadata={"n": "1"}, headers={"expires": "never"}
    )


def put_all(objects: ObjectStore, upload: str) -> list[tuple[int, str]]:
    infos = [objects.put_part("b", "k", upload, number, PARTS[number - 1]) for number in (2, 3, 1)]
    return sorted((info.number, info.etag) for info in infos)


def etag_of(parts: list[bytes]) -> str:
    digests = b"".join(hashlib.md5(part).digest() for part in parts)
    return f"{hashlib.md5(digests).hexdigest()}-{len(parts)}"


def test_parts_become_an_object(objects: ObjectStore, upload: str) -> None:
    parts = put_all(objects, upload)
    assert objects.list("b") == [], "nothing is visible before the completion"
    files = objects._blobs.ids()
    info = objects.complete_upload("b", "k", upload, parts)
    data = b"".join(PARTS)
    sha256 = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in PARTS)).hexdigest()
    assert (info.etag, info.sha256, info.md5) == (etag_of(PARTS), f"{sha256}-3", "")
    assert (info.size_bytes, info.content_type) == (len(data), "text/x")
    assert (info.metadata, info.headers) == ({"n": "1"}, {"expires": "never"})
    assert objects.head("b", "k") == info
    assert objects.list_page("b").objects == (info,)
    assert objects.get("b", "k") == data
    assert objects._blobs.ids() == files, "no byte was copied"
    assert objects.uploads("b") == []
    with pytest.raises(UploadNotFound):
        objects.parts("b", "k", upload)
    for start in range(0, len(data), 7):
        for end in (start + 1, start + 45, None):
            with objects.open("b", "k", start=start, end=end) as reader:
                assert reader.read() == data[start:end]
    copied = objects.copy("b", "k", "b", "c")
    assert (copied.etag, objects.get("b", "c")) == (hashlib.md5(data).hexdigest(), data)
    objects.delete("b", "k")
    objects.delete("b", "c")
    assert objects._blobs.ids() == []


def test_damage_in_a_part_names_the_object(objects: ObjectStore, upload: str) -> None:
    objects.complete_upload("b", "k", upload, put_all(objects, upload))
    (second,) = [blob for blob in objects._found("b", "k").content.blobs if blob.size_bytes == 42]
    objects._blobs.remove(second.blob_id)
    with objects.open("b", "k", start=0, end=41) as reader:
        assert reader.read() == PARTS[0]
    with pytest.raises(ChecksumMismatch, match="b/k: its content file"):
        objects.get("b", "k")


def test_parts_may_be_sent_again(objects: ObjectStore, upload: str) -> None:
    first = objects.put_part("b", "k", upload, 1, PARTS[0])
    again = objects.put_part("b", "k", upload, 1, iter([PARTS[1][:5], PARTS[1][5:]]))
    assert again == PartInfo(1, 42, hashlib.md5(PARTS[1]).hexdigest())
    assert objects.parts("b", "k", upload) == [again]
    assert len(objects._blobs.ids()) == 1, "the first one's file went"
    with pytest.raises(InvalidPart, match=f"has ETag {again.etag}"):
        objects.complete_upload("b", "k", upload, [(1, first.etag)])
    assert objects.complete_upload("b", "k", upload, [(1, again.etag)]).size_bytes == 42


def test_uploads_survive_a_reopen(folder: Path) -> None:
    with veristore.open(folder / "s") as store:
        objects = opened(store)
        objects.create_bucket("b")
        upload = objects.start_upload("b", "k")
        parts = put_all(objects, upload)
        store.checkpoint()
    with veristore.open(folder / "s") as store:
        objects = opened(store)
        assert objects.collect_garbage() == 0
        assert [(part.number, part.etag) for part in objects.parts("b", "k", upload)] == parts
        assert [found.upload_id for found in objects.uploads("b")] == [upload]
        objects.complete_upload("b", "k", upload, parts)
    with veristore.open(folder / "s") as store:
        objects = opened(store)
        assert objects.get("b", "k") == b"".join(PARTS)
        info = objects.complete_upload("b", "k", upload, parts)
        assert info == objects.head("b", "k"), "the same completion again, even now"


def test_a_completion_is_done_once(objects: ObjectStore, upload: str) -> None:
    parts = put_all(objects, upload)
    done = objects.complete_upload("b", "k", upload, parts[:2])
    assert objects.complete_upload("b", "k", upload, parts[:2], if_none_match=True) == done
    with pytest.raises(UploadNotFound):
        objects.complete_upload("b", "k", upload, parts)
    assert len(objects._blobs.ids()) == 2, "the part that was left over went"
    objects.put("b", "k", b"newer")
    with pytest.raises(UploadNotFound):
        objects.complete_upload("b", "k", upload, parts[:2])
    assert objects.get("b", "k") == b"newer"


def test_completions_that_are_refused_leave_the_upload_open(
    objects: ObjectStore, upload: str
) -> None:
    parts = put_all(objects, upload)
    objects.put_part("b", "k", upload, 9, b"tiny")
    tiny = (9, hashlib.md5(b"tiny").hexdigest())
    last = (10, objects.put_part("b", "k", upload, 10, b"").etag)
    for wanted, error in (
        ([parts[1], parts[0]], InvalidPartOrder),
        ([parts[0], parts[0]], InvalidPartOrder),
        ([parts[0], (5, parts[1][1])], InvalidPart),
        ([(1, parts[1][1])], InvalidPart),
        ([parts[0], tiny, last], PartTooSmall),
        ([], InvalidInput),
    ):
        with pytest.raises(error):
            objects.complete_upload("b", "k", upload, wanted)
    with pytest.raises(ObjectNotFound):
        objects.complete_upload("b", "k", upload, parts, if_match="*")
    objects.put("b", "k", b"there")
    with pytest.raises(PreconditionFailed):
        objects.complete_upload("b", "k", upload, parts, if_none_match=True)
    assert len(objects.parts("b", "k", upload)) == 5
    assert objects.get("b", "k") == b"there"
    info = objects.complete_upload("b", "k", upload, [parts[0], tiny], if_match="*")
    assert info.etag == etag_of([PARTS[0], b"tiny"])
    assert objects.get("b", "k") == PARTS[0] + b"tiny"
    assert len(objects._blobs.ids()) == 2


def test_an_empty_part_is_one(objects: ObjectStore, upload: str) -> None:
    part = objects.put_part("b", "k", upload, 1, b"")
    info = objects.complete_upload("b", "k", upload, [(1, part.etag)])
    assert (info.size_bytes, info.etag) == (0, etag_of([b""]))
    assert objects.get("b", "k") == b""


def test_an_aborted_upload_leaves_nothing(objects: ObjectStore, store: Store, upload: str) -> None:
    objects.put("b", "k", b"there")
    before = dict(store.scan())
    other = objects.start_upload("b", "k")
    put_all(objects, other)
    objects.abort_upload("b", "k", other)
    assert dict(store.scan()) == before
    assert objects._blobs.ids() == []
    for call in (objects.abort_upload, objects.parts, objects.upload):
        with pytest.raises(UploadNotFound, match="aborted"):
            call("b", "k", other)
    assert objects.upload("b", "k", upload).content_type == "text/x"


def test_a_part_that_comes_after_the_end_is_refused(objects: ObjectStore, upload: str) -> None:
    def slow() -> Iterator[bytes]:
        yield PARTS[0]
        objects.abort_upload("b", "k", upload)

    with pytest.raises(UploadNotFound):
        objects.put_part("b", "k", upload, 1, slow())
    assert objects._blobs.ids() == []


def test_what_is_not_an_upload(objects: ObjectStore, upload: str) -> None:
    for bucket, key, name, error in (
        ("b", "other", upload, UploadNotFound),
        ("b", "k", upload.upper(), UploadNotFound),
        ("b", "k", upload[:-2], UploadNotFound),
        ("b", "k", "", UploadNotFound),
        ("b", "k", "ünïcode", UploadNotFound),
        ("no", "k", upload, BucketNotFound),
        ("b", "", upload, InvalidInput),
    ):
        with pytest.raises(error):
            objects.put_part(bucket, key, name, 1, b"")
    for number in (0, -1, 10_001):
        with pytest.raises(InvalidInput, match="numbered 1 to 10,000"):
            objects.put_part("b", "k", upload, number, b"")
    with pytest.raises(InvalidInput):
        objects.start_upload("b", "k", metadata={"Bad": "1"})
    with pytest.raises(BucketNotFound):
        objects.start_upload("no", "k")


def test_uploads_are_listed_by_key_and_age(objects: ObjectStore) -> None:
    objects.create_bucket("c")
    ids = [objects.start_upload("b", key) for key in ("ab", "a", "é", "a", "abc", "b")]
    objects.start_upload("c", "a")
    found = objects.uploads("b")
    assert [upload.key for upload in found] == ["a", "a", "ab", "abc", "b", "é"]
    assert sorted(upload.upload_id for upload in found) == sorted(ids)
    assert [upload.started_ms for upload in found[:2]] == sorted(
        upload.started_ms for upload in found[:2]
    )
    assert [upload.key for upload in objects.uploads("b", "ab")] == ["ab", "abc"]
    assert objects.uploads("b", "zz") == []
    with pytest.raises(BucketNotFound):
        objects.uploads("no")


def test_checksums_of_parts_are_checked_and_combined(objects: ObjectStore, upload: str) -> None:
    crcs = [zlib.crc32(part) for part in PARTS]
    with pytest.raises(ChecksumMismatch, match="part 1 of b/k"):
        objects.put_part("b", "k", upload, 1, PARTS[0], expect={"crc32": "00000000"})
    assert objects.parts("b", "k", upload) == []
    parts = []
    for number, (part, crc) in enumerate(zip(PARTS, crcs, strict=True), 1):
        expect = {"crc32": f"{crc:08x}", "md5": ""} | ({"sha1": ""} if number == 1 else {})
        info = objects.put_part("b", "k", upload, number, part, expect=expect)
        assert info.checksums["crc32"] == f"{crc:08x}"
        parts.append((number, info.etag))
    listed = objects.parts("b", "k", upload)
    assert [part.checksums["crc32"] for part in listed] == [f"{crc:08x}" for crc in crcs]
    info = objects.complete_upload("b", "k", upload, parts)
    of_all = zlib.crc32(b"".join(crc.to_bytes(4, "big") for crc in crcs))
    assert info.checksums == {"crc32": f"{of_all:08x}-3"}


def test_a_hundred_parts_cost_one_commit(store: Store) -> None:
    objects = ObjectStore(store, chunk_bytes=CHUNK, min_part_bytes=1)
    objects.create_bucket("b")
    upload = objects.start_upload("b", "k")
    parts = [
        (number, objects.put_part("b", "k", upload, number, b"%d" % number).etag)
        for number in range(1, 101)
    ]
    lsn = store.stats().last_lsn
    objects.complete_upload("b", "k", upload, parts)
    assert store.stats().last_lsn == lsn + 1
    assert objects.get("b", "k") == b"".join(b"%d" % number for number in range(1, 101))
