"""What goes into an object comes out again: streams, ranges, checksums, conditions."""

from __future__ import annotations

import hashlib
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import veristack_lab.veristore as veristore
from tests.faulty_disk import quick_folder
from tests.small_chunks import CHUNK, DATA, pieces
from veristack_lab.errors import (
    BucketNotEmpty,
    BucketNotFound,
    ChecksumMismatch,
    InvalidInput,
    ObjectNotFound,
    PreconditionFailed,
    RangeNotSatisfiable,
)
from veristack_lab.kernels import records
from veristack_lab.kernels.crc32c import crc32c
from veristack_lab.kernels.crc64nvme import crc64nvme
from veristack_lab.veristore import ObjectStore, Store
from veristack_lab.veristore.objects.digests import Digests
from veristack_lab.veristore.objects.keeper import MAX_RETIRED
from veristack_lab.veristore.objects.records import Blob


@pytest.fixture
def store() -> Iterator[Store]:
    with quick_folder() as folder, veristore.open(folder / "store") as opened:
        yield opened


@pytest.fixture
def objects(store: Store) -> ObjectStore:
    objects = ObjectStore(store, chunk_bytes=CHUNK)
    objects.create_bucket("b")
    return objects


# ---------------------------------------------------------------------- streams


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, len(DATA)])
@pytest.mark.parametrize("piece", [1, 7, CHUNK, 1000])
def test_a_stream_is_as_good_as_bytes(objects: ObjectStore, size: int, piece: int) -> None:
    data = DATA[:size]
    streamed = objects.put("b", "s", pieces(data, piece))
    whole = objects.put("b", "w", data)
    assert (streamed.md5, streamed.sha256, streamed.size_bytes) == (
        hashlib.md5(data).hexdigest(),
        whole.sha256,
        size,
    )
    assert objects.get("b", "s") == objects.get("b", "w") == data
    with objects.open("b", "s") as reader:
        assert b"".join(reader) == data
        assert list(reader) == []


def test_buffers_of_any_kind_but_no_text(objects: ObjectStore) -> None:
    for data in (bytearray(DATA), memoryview(DATA), [bytearray(DATA[:20]), memoryview(DATA)[20:]]):
        objects.put("b", "k", data)  # type: ignore[arg-type]
        assert objects.get("b", "k") == DATA
    for data in ("", "text", 5, ["text"], [1]):
        with pytest.raises(InvalidInput, match="bytes"):
            objects.put("b", "bad", data)  # type: ignore[arg-type]
    with pytest.raises(ObjectNotFound):
        objects.head("b", "bad")


def test_a_stream_that_breaks_off_changes_nothing(objects: ObjectStore) -> None:
    objects.put("b", "k", DATA)

    def broken() -> Iterator[bytes]:
        yield bytes(1_100_000)
        raise ConnectionError("the client went away")

    with pytest.raises(ConnectionError):
        objects.put("b", "k", broken())
    assert objects.get("b", "k") == DATA
    assert len(objects._blobs.ids()) == 1, "the half of it is gone already"


def test_content_longer_than_a_window(objects: ObjectStore, store: Store) -> None:
    """Several blocks, hashes in threads of their own, chunks larger than a block."""
    data = bytes(range(256)) * 5_000
    for chunk_bytes in (300_000, 2_000_000):
        other = ObjectStore(store, chunk_bytes=chunk_bytes)
        info = other.put("b", "k", pieces(data, 77_777), expect={"crc32": ""})
        assert info.md5 == hashlib.md5(data).hexdigest()
        assert info.checksums == {"crc32": f"{zlib.crc32(data):08x}"}
        assert other.get("b", "k") == data
        with objects.open("b", "k", start=999_999, end=1_270_001) as reader:
            assert reader.read() == data[999_999:1_270_001]


# ----------------------------------------------------------------------- ranges


@pytest.mark.parametrize("size", [CHUNK // 2, len(DATA)])
def test_every_range(objects: ObjectStore, size: int) -> None:
    data = DATA[:size]
    objects.put("b", "k", data)
    for start in range(0, size, 3):
        for end in (start + 1, start + CHUNK, start + 2 * CHUNK + 1, size + 10, None):
            with objects.open("b", "k", start=start, end=end) as reader:
                assert len(reader) == len(data[start:end])
                assert reader.read() == data[start:end]


def test_ranges_that_hold_nothing(objects: ObjectStore) -> None:
    objects.put("b", "k", DATA)
    objects.put("b", "empty", b"")
    for key, start, end in (
        ("k", len(DATA), None),
        ("k", -1, 5),
        ("k", 5, 5),
        ("k", 9, 3),
        ("empty", 0, 1),
        ("empty", 1, None),
    ):
        with pytest.raises(RangeNotSatisfiable, match=f"b/{key}"):
            objects.open("b", key, start=start, end=end)
    with objects.open("b", "empty") as reader:
        assert reader.read() == b""


def test_a_range_verifies_the_chunks_it_touches_and_no_others(objects: ObjectStore) -> None:
    objects.put("b", "k", DATA)
    (blob_id,) = objects._blobs.ids()
    path = objects._blobs.path_of(blob_id)
    rotten = bytearray(path.read_bytes())
    rotten[40 + 3 * (24 + CHUNK) + 24 + 5] ^= 0x10
    path.write_bytes(rotten)
    for start, end in ((0, 3 * CHUNK), (4 * CHUNK, len(DATA))):
        with objects.open("b", "k", start=start, end=end) as reader:
            assert reader.read() == DATA[start:end]
    for start, end in ((3 * CHUNK, 3 * CHUNK + 1), (0, len(DATA)), (4 * CHUNK - 1, None)):
        with (
            objects.open("b", "k", start=start, end=end) as reader,
            pytest.raises(ChecksumMismatch, match=r"b/k: chunk 3 \(bytes from 48 on\).*BAD_CRC"),
        ):
            reader.read()


def test_any_flipped_bit_and_any_cut_of_a_file_is_noticed(objects: ObjectStore) -> None:
    data = DATA[: 2 * CHUNK + 3]
    objects.put("b", "k", data)
    (blob_id,) = objects._blobs.ids()
    path = objects._blobs.path_of(blob_id)
    good = path.read_bytes()
    damaged = [good[:cut] for cut in range(len(good))]
    for position in range(len(good)):
        flipped = bytearray(good)
        flipped[position] ^= 1 << position % 8
        damaged.append(bytes(flipped))
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(ChecksumMismatch, match="b/k"):
            objects.get("b", "k")
    path.write_bytes(good)
    assert objects.get("b", "k") == data


def test_another_file_and_another_order_of_chunks_are_noticed(objects: ObjectStore) -> None:
    objects.put("b", "j", DATA)
    objects.put("b", "k", bytes(len(DATA)))
    first, second = (objects._blobs.path_of(blob_id) for blob_id in objects._blobs.ids())
    good = first.read_bytes()
    first.write_bytes(second.read_bytes())
    size = 24 + CHUNK
    swapped = good[:40] + good[40 + size : 40 + 2 * size] + good[40 : 40 + size] + good[56 + size :]
    second.write_bytes(swapped)
    for key in "jk":
        with pytest.raises(ChecksumMismatch, match="header"):
            objects.get("b", key)


def test_rot_in_a_metadata_record_s_content_is_noticed(objects: ObjectStore, store: Store) -> None:
    objects.put("b", "k", b"inline")
    meta_key = objects._meta_key("b", "k")
    record = store.get(meta_key)
    assert record is not None
    assert record.endswith(b"\ninline")
    store.put(meta_key, record[:-1] + b"E")
    with pytest.raises(ChecksumMismatch, match=r"6 of 6 stored bytes .* SHA-256"):
        objects.get("b", "k")
    with (
        objects.open("b", "k", start=0, end=2) as reader,
        pytest.raises(ChecksumMismatch),
    ):
        reader.read()


def test_metadata_that_does_not_fit_the_file_is_noticed(objects: ObjectStore, store: Store) -> None:
    objects.put("b", "k", DATA)
    (blob_id,) = objects._blobs.ids()
    for size in (len(DATA) - 1, len(DATA) + 1, len(DATA) + 2 * CHUNK):
        with pytest.raises(ChecksumMismatch, match="chunk 1"):
            list(objects._blobs.read(Blob(blob_id, size), 0, size, "b/k"))
    meta_key = objects._meta_key("b", "k")
    record = store.get(meta_key)
    assert record is not None
    digest = hashlib.sha256(DATA).hexdigest().encode()
    store.put(meta_key, record.replace(digest, digest[::-1]))
    with pytest.raises(ChecksumMismatch, match="SHA-256 of its 165 stored bytes"):
        objects.get("b", "k")


# -------------------------------------------------------------------- checksums


def test_announced_checksums(objects: ObjectStore) -> None:
    right = {
        "md5": hashlib.md5(DATA).hexdigest(),
        "sha1": hashlib.sha1(DATA).hexdigest(),
        "sha256": hashlib.sha256(DATA).hexdigest(),
        "crc32": f"{zlib.crc32(DATA):08x}",
        "crc32c": f"{crc32c(DATA):08x}",
        "crc64nvme": f"{crc64nvme(DATA):016x}",
    }
    for data in (DATA, DATA[:5]):
        for name, wanted in right.items():
            if data is DATA:
                info = objects.put("b", name, data, expect={name: wanted})
                assert info.checksums == objects.head("b", name).checksums == {name: wanted}
            else:
                with pytest.raises(ChecksumMismatch, match=f"{name} .* {wanted}"):
                    objects.put("b", "bad", data, expect={name: wanted})
    assert objects.put("b", "k", DATA, expect=dict.fromkeys(right, "")).checksums == right
    with pytest.raises(InvalidInput, match="adler32"):
        objects.put("b", "bad", DATA, expect={"adler32": ""})
    assert sorted(info.key for info in objects.list("b")) == sorted([*right, "k"])
    assert len(objects._blobs.ids()) == len(right) + 1, "what was refused left nothing"


def test_a_checksum_may_come_after_the_content(objects: ObjectStore) -> None:
    expect = {"sha256": ""}

    def stream(digest: str) -> Iterator[bytes]:
        yield from pieces(DATA, 10)
        expect["sha256"] = digest

    assert objects.put("b", "k", stream(hashlib.sha256(DATA).hexdigest()), expect=expect)
    with pytest.raises(ChecksumMismatch):
        objects.put("b", "k", stream("00" * 32), expect=expect)
    assert objects.get("b", "k") == DATA


def test_threads_that_hash_end_with_the_content(objects: ObjectStore) -> None:
    def hashing() -> list[str]:
        return [thread.name for thread in threading.enumerate() if "digest" in thread.name]

    def broken() -> Iterator[bytes]:
        yield bytes(1_100_000)
        assert hashing(), "long content has them"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        objects.put("b", "k", broken())
    assert hashing() == []
    digests = Digests({"crc32": ""})
    for _ in range(3):
        digests.update(bytes(300_000))
    digests.finish("content")
    assert hashing() == []
    assert digests.hex("md5") == hashlib.md5(bytes(900_000)).hexdigest()
    assert digests.demanded == {"crc32": f"{zlib.crc32(bytes(900_000)):08x}"}


def test_a_header_beside_its_payload_is_a_record() -> None:
    for payload in (b"", b"x", DATA):
        header = records.frame_header(payload, 1, 7, 9)
        assert header + payload == records.frame_records([payload], [1], 7, 9)
    with pytest.raises(InvalidInput):
        records.frame_header(b"", 256, 0, 0)


# ------------------------------------------------------------------- conditions


def test_conditions_on_a_put(objects: ObjectStore) -> None:
    first = objects.put("b", "k", DATA, if_none_match=True)
    with pytest.raises(PreconditionFailed, match="there already"):
        objects.put("b", "k", b"", if_none_match=True)
    with pytest.raises(PreconditionFailed, match=f"ETag {first.etag}, not x"):
        objects.put("b", "k", b"", if_match="x")
    with pytest.raises(ObjectNotFound):
        objects.put("b", "no", b"", if_match="*")
    with pytest.raises(InvalidInput, match="contradict"):
        objects.put("b", "k", b"", if_match="*", if_none_match=True)
    assert objects.get("b", "k") == DATA
    second = objects.put("b", "k", b"2", if_match=first.etag)
    assert objects.put("b", "k", b"3", if_match="*").etag != second.etag


def test_conditions_are_checked_before_the_content_is_taken(objects: ObjectStore) -> None:
    objects.put("b", "k", b"")
    taken = iter([DATA])
    with pytest.raises(PreconditionFailed):
        objects.put("b", "k", taken, if_none_match=True)
    assert next(taken) == DATA


def test_conditions_count_when_the_put_commits(objects: ObjectStore) -> None:
    """Another writer puts while the content streams in."""

    def slow() -> Iterator[bytes]:
        yield DATA
        objects.put("b", "k", b"quicker")

    with pytest.raises(PreconditionFailed):
        objects.put("b", "k", slow(), if_none_match=True)
    assert objects.get("b", "k") == b"quicker"
    assert objects._blobs.ids() == []


def test_conditions_on_deleting_and_copying(objects: ObjectStore) -> None:
    info = objects.put("b", "k", DATA)
    with pytest.raises(PreconditionFailed):
        objects.delete("b", "k", if_match="x")
    with pytest.raises(ObjectNotFound):
        objects.delete("b", "no", if_match="*")
    with pytest.raises(PreconditionFailed):
        objects.copy("b", "k", "b", "k", if_none_match=True)
    objects.copy("b", "k", "b", "j", if_none_match=True)
    objects.delete("b", "k", if_match=info.etag)
    assert [found.key for found in objects.list("b")] == ["j"]


# --------------------------------------------------------- copies, notes, buckets


def test_a_copy_keeps_or_replaces_what_belongs_to_the_content(objects: ObjectStore) -> None:
    notes, headers = {"n": "1"}, {"cache-control": "no-store", "content-encoding": "x"}
    info = objects.put(
        "b", "k", DATA, content_type="text/x", metadata=notes, headers=headers, expect={"sha1": ""}
    )
    objects.create_bucket("c")
    kept = objects.copy("b", "k", "c", "k")
    assert (kept.content_type, kept.metadata, kept.headers) == ("text/x", notes, headers)
    assert (kept.etag, kept.checksums, kept.bucket) == (info.etag, info.checksums, "c")
    other = objects.copy("b", "k", "b", "k", metadata={}, content_type="a/b", headers={})
    assert (other.content_type, other.metadata, other.headers) == ("a/b", {}, {})
    assert objects.get("b", "k") == objects.get("c", "k") == DATA
    assert len(objects._blobs.ids()) == 2
    with pytest.raises(ObjectNotFound):
        objects.copy("b", "no", "b", "k")
    with pytest.raises(BucketNotFound):
        objects.copy("b", "k", "no", "k")


def test_headers_that_are_not_kept_are_refused(objects: ObjectStore) -> None:
    for headers in ({"x-other": "1"}, {"expires": "a\nb"}, {"cache-control": ""}):
        with pytest.raises(InvalidInput, match="header"):
            objects.put("b", "k", b"", headers=headers)


def test_buckets_come_and_go(objects: ObjectStore, store: Store) -> None:
    objects.put("b", "k", DATA)
    objects.head_bucket("b")
    assert abs(objects.bucket_created_ms("b") - store.clock.now_ms()) < 3_600_000
    with pytest.raises(BucketNotEmpty):
        objects.delete_bucket("b")
    assert objects.delete_many("b", ["k", "k", "no"]) == 1
    objects.start_upload("b", "k")
    objects.delete_bucket("b")
    assert objects.buckets() == []
    for call in (objects.head_bucket, objects.delete_bucket, objects.bucket_created_ms):
        with pytest.raises(BucketNotFound):
            call("b")
    objects.create_bucket("b")
    assert objects.list("b") == objects.uploads("b") == []
    assert objects._blobs.ids() == []


def test_a_put_cannot_land_in_a_deleted_bucket(objects: ObjectStore) -> None:
    def slow() -> Iterator[bytes]:
        yield DATA
        objects.delete_bucket("b")

    with pytest.raises(BucketNotFound):
        objects.put("b", "k", slow())
    assert objects._blobs.ids() == []


def test_many_are_deleted_in_steps_of_a_thousand(objects: ObjectStore, store: Store) -> None:
    for number in range(12):
        objects.put("b", f"k{number:02d}", DATA if number % 2 else b"small")
    lsn = store.stats().last_lsn
    assert objects.delete_many("b", [f"k{number:02d}" for number in range(1500)]) == 12
    assert store.stats().last_lsn == lsn + 1
    assert objects.list("b") == objects._blobs.ids() == []


def test_content_outlives_metadata_that_a_power_cut_could_bring_back(folder: Path) -> None:
    with veristore.open(folder / "s", durability="none") as store:
        objects = ObjectStore(store, chunk_bytes=CHUNK)
        objects.create_bucket("b")
        for number in range(3):
            objects.put("b", "k", DATA[number:])
        assert len(objects._blobs.ids()) == 3
        store.sync()
        objects.put("b", "k", DATA)
        assert len(objects._blobs.ids()) == 2, "what the synced records replaced went"
        objects.delete("b", "k")
        assert objects.collect_garbage() == 2
        assert store.stats().durable_lsn == store.stats().last_lsn, "it synced first"
        for number in range(MAX_RETIRED + 10):
            objects.put("b", "k", DATA[number % 3 :])
        assert len(objects._blobs.ids()) < MAX_RETIRED, "they do not pile up for ever"


def test_sizes_that_cannot_be(store: Store) -> None:
    for chunk_bytes in (0, -1, 1 << 30):
        with pytest.raises(InvalidInput, match="chunk_bytes"):
            ObjectStore(store, chunk_bytes=chunk_bytes)
