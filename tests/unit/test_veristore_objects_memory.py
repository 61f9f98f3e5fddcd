"""Streams of any length in constant memory."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import veristack_lab.veristore as veristore
from veristack_lab.veristore import ObjectStore

MIB = 1024 * 1024
OBJECT_MIB = 256
PART_MIB = 64
ALLOWED_BYTES = 40 * MIB
"""16 MiB that the checksums may lag behind, and a few blocks."""


def content(mebibytes: int) -> Iterator[bytes]:
    """Blocks that differ, made when they are asked for."""
    block = hashlib.shake_128(b"content").digest(MIB - 4)
    for number in range(mebibytes):
        yield number.to_bytes(4, "big") + block


def test_an_object_far_larger_than_memory_may_grow(folder: Path) -> None:
    with veristore.open(folder / "s") as store:
        objects = ObjectStore(store)
        objects.create_bucket("b")
        for _ in objects.open("b", objects.put("b", "warm", content(33)).key):
            pass  # machine code is loaded, so that it is not counted below
        tracemalloc.start()
        try:
            info = objects.put("b", "k", content(OBJECT_MIB))
            blocks = content(OBJECT_MIB)
            with objects.open("b", "k") as reader:
                assert all(found == wanted for found, wanted in zip(reader, blocks, strict=True))
            upload = objects.start_upload("b", "parts")
            part = objects.put_part("b", "parts", upload, 1, content(PART_MIB))
            objects.complete_upload("b", "parts", upload, [(1, part.etag)])
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert info.size_bytes == OBJECT_MIB * MIB
        assert part.size_bytes == PART_MIB * MIB
        assert store.stats().data_bytes < MIB
    assert peak < ALLOWED_BYTES
