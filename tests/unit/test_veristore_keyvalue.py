"""The store passes the conformance tests of the key-value protocol, on either disk."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import veristack_lab.veristore as veristore
from tests.conformance_keyvalue import KeyValueConformance
from veristack_lab.sim import SimDisk
from veristack_lab.veristore import Interval, ObjectStore
from veristack_lab.veristore.keyvalue import KeyValue, LocalKeyValue


class TestStore(KeyValueConformance):
    def opened(self, where: Path) -> AbstractContextManager[KeyValue]:
        return veristore.open(where / "store")


class TestStoreThatSyncsLater(KeyValueConformance):
    def opened(self, where: Path) -> AbstractContextManager[KeyValue]:
        return veristore.open(where / "store", durability=Interval(writes=10))


class TestStoreOfSmallSegments(KeyValueConformance):
    def opened(self, where: Path) -> AbstractContextManager[KeyValue]:
        return veristore.open(where / "store", segment_bytes=4096, checkpoint_bytes=8192)


class TestStoreOnASimulatedDisk(KeyValueConformance):
    @pytest.fixture(autouse=True)
    def disk(self) -> None:
        self.simulated = SimDisk()

    def opened(self, where: Path) -> AbstractContextManager[KeyValue]:
        return veristore.open("/store", disk=self.simulated, checkpoint_bytes=None)


def test_the_object_store_asks_no_more_than_the_protocol(folder: Path) -> None:
    asked: set[str] = set()

    class Narrow:
        """Passes on the protocol's names and no others."""

        def __init__(self, store: LocalKeyValue) -> None:
            self._store = store

        def __getattr__(self, name: str) -> object:
            if name not in dir(LocalKeyValue) or name.startswith("_"):
                raise AttributeError(name)
            asked.add(name)
            return getattr(self._store, name)

    with veristore.open(folder / "store") as store:
        objects = ObjectStore(Narrow(store))  # type: ignore[arg-type]
        objects.create_bucket("bucket")
        objects.put("bucket", "small", b"1")
        objects.put("bucket", "large", bytes(300_000))
        objects.copy("bucket", "large", "bucket", "copy")
        objects.delete("bucket", "large")
        objects.collect_garbage()
        assert [info.key for info in objects.list("bucket")] == ["copy", "small"]
        assert objects.get("bucket", "copy") == bytes(300_000)
    assert asked >= {"get", "scan", "put", "write", "snapshot_view", "disk", "path", "clock"}
