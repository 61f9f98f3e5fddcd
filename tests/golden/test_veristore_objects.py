"""Objects as versions 1 and 2 wrote them: records in the map, and content files.

`objects-v1.json` was written by the first release, `objects-v2.json` by `write_story`, and
`objects-v3.json` by `write_checked_story`. They hold the pairs of the map and the content files,
in hexadecimal.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from veristack_lab.kernels.crc32c import crc32c
from veristack_lab.runtime.paths import data_file
from veristack_lab.veristore import Batch, ObjectStore, Store
from veristack_lab.veristore.disk import RealDisk
from veristack_lab.veristore.kv import open_store
from veristack_lab.veristore.objects.blobs import FOLDER_NAME, HEADER_BYTES
from veristack_lab.veristore.objects.records import CHECKSUM_VERSION, VERSION

LARGE = bytes(range(50))
PARTS = [b"first part " * 3, b"second"]


class StandingClock:
    """It is always the same moment."""

    def now_ms(self) -> int:
        return 1_700_000_000_123

    def monotonic_s(self) -> float:
        return 0.0


@contextmanager
def opened(folder: Path) -> Iterator[tuple[Store, ObjectStore]]:
    ids = (number.to_bytes(2, "big") * 8 for number in itertools.count(1))
    with open_store(folder, disk=RealDisk(), clock=StandingClock()) as store:
        yield store, ObjectStore(store, chunk_bytes=16, min_part_bytes=1, new_id=ids.__next__)


def write_story(objects: ObjectStore) -> None:
    """A little of everything."""
    objects.create_bucket("b")
    objects.put("b", "empty", b"")
    objects.put(
        *("b", "small \N{SNOWMAN}", b"one\ntwo"),
        content_type="text/plain",
        metadata={"n": "1"},
        headers={"cache-control": "no-store"},
        expect={"crc32c": ""},
    )
    objects.put("b", "large", LARGE)
    for key in ("parts", "open"):
        upload = objects.start_upload("b", key, metadata={"n": "2"})
        parts = [
            (number, objects.put_part("b", key, upload, number, part, expect={"sha1": ""}).etag)
            for number, part in enumerate(PARTS, 1)
        ]
        if key == "parts":
            objects.complete_upload("b", key, upload, parts)


def write_checked_story(objects: ObjectStore) -> None:
    """What needs version 3: an upload with a checksum for all its parts."""
    objects.create_bucket("b")
    upload = objects.start_upload("b", "open", checksum="crc32c", checksum_type="FULL_OBJECT")
    for number, part in enumerate(PARTS, 1):
        objects.put_part("b", "open", upload, number, part)


def everything(store: Store) -> dict[str, dict[str, str]]:
    return {
        "pairs": {key.hex(): value.hex() for key, value in store.scan(b"obj\x00")},
        "files": {
            path.name: path.read_bytes().hex()
            for path in sorted((store.path / FOLDER_NAME).iterdir())
        },
    }


def golden(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(data_file(f"golden/{name}").read_text())
    return found


def restore(store: Store, found: dict[str, dict[str, str]]) -> None:
    batch = Batch()
    for key, value in found["pairs"].items():
        batch.put(bytes.fromhex(key), bytes.fromhex(value))
    store.write(batch)
    (store.path / FOLDER_NAME).mkdir()
    for name, content in found["files"].items():
        (store.path / FOLDER_NAME / name).write_bytes(bytes.fromhex(content))


def test_objects_are_written_as_released(folder: Path) -> None:
    """A changed format gets a new version, and this file stays readable."""
    assert VERSION == 2
    assert HEADER_BYTES == 40
    with opened(folder / "s") as (store, objects):
        write_story(objects)
        assert everything(store) == golden("objects-v2.json")


def test_the_golden_objects_of_version_2_are_read(folder: Path) -> None:
    with opened(folder / "s") as (store, _):
        restore(store, golden("objects-v2.json"))
    with opened(folder / "s") as (_, objects):
        assert objects.collect_garbage() == 0
        assert objects.get("b", "empty") == b""
        assert objects.get("b", "large") == LARGE
        assert objects.get("b", "parts") == b"".join(PARTS)
        small = objects.head("b", "small \N{SNOWMAN}")
        assert objects.get("b", small.key) == b"one\ntwo"
        assert (small.metadata, small.headers) == ({"n": "1"}, {"cache-control": "no-store"})
        assert small.checksums.keys() == {"crc32c"}
        (upload,) = objects.uploads("b")
        parts = objects.parts("b", "open", upload.upload_id)
        named = [(part.number, part.etag) for part in parts]
        info = objects.complete_upload("b", "open", upload.upload_id, named)
        assert info.etag == objects.head("b", "parts").etag
        assert objects.get("b", "open") == b"".join(PARTS)


def test_uploads_with_a_checksum_are_written_as_released(folder: Path) -> None:
    assert CHECKSUM_VERSION == 3
    with opened(folder / "s") as (store, objects):
        write_checked_story(objects)
        assert everything(store) == golden("objects-v3.json")


def test_the_golden_upload_of_version_3_is_completed(folder: Path) -> None:
    with opened(folder / "s") as (store, _):
        restore(store, golden("objects-v3.json"))
    with opened(folder / "s") as (_, objects):
        (upload,) = objects.uploads("b")
        assert (upload.checksum, upload.checksum_type) == ("crc32c", "FULL_OBJECT")
        named = [(p.number, p.etag) for p in objects.parts("b", "open", upload.upload_id)]
        info = objects.complete_upload("b", "open", upload.upload_id, named)
        assert info.checksums == {"crc32c": f"{crc32c(b''.join(PARTS)):08x}"}
        assert objects.get("b", "open") == b"".join(PARTS)


@pytest.mark.parametrize("first", ["read", "replace"])
def test_the_golden_objects_of_version_1_are_read(folder: Path, first: str) -> None:
    with opened(folder / "s") as (store, _):
        restore(store, golden("objects-v1.json"))
    with opened(folder / "s") as (store, objects):
        assert objects.collect_garbage() == 0
        if first == "replace":
            for info in objects.list("b"):
                objects.copy("b", info.key, "b", info.key)
            assert list(store.scan(b"obj\x00c")) == []
        assert objects.get("b", "empty") == b""
        assert objects.get("b", "large") == LARGE
        assert objects.get("b", "small \N{SNOWMAN}") == b"one\ntwo"
        small = objects.head("b", "small \N{SNOWMAN}")
        assert (small.content_type, small.metadata) == ("text/plain", {"n": "1"})
        assert small.etag == small.md5
