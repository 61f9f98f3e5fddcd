"""The time of day jumps an hour back and forth: only what is told to people may show it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

import pytest

from veristack_lab.sim.clocks import EPOCH_MS
from veristack_lab.sim.disk.simdisk import SimDisk
from veristack_lab.veristore import ObjectStore
from veristack_lab.veristore.kv import open_store

HOUR_MS = 3_600_000
PATTERNS = [(0, -HOUR_MS), (0, HOUR_MS), (0, -HOUR_MS, HOUR_MS), (0,)]


class JumpyClock:
    """Its time of day jumps at every look; its monotonic time goes on evenly."""

    def __init__(self, jumps_ms: tuple[int, ...]) -> None:
        self._jumps_ms: Iterator[int] = cycle(jumps_ms)
        self._elapsed_s = 0.0

    def now_ms(self) -> int:
        return EPOCH_MS + next(self._jumps_ms)

    def monotonic_s(self) -> float:
        self._elapsed_s += 0.001
        return self._elapsed_s


@pytest.mark.parametrize("jumps_ms", PATTERNS)
def test_the_store_numbers_and_keeps_its_writes(jumps_ms: tuple[int, ...]) -> None:
    disk, clock = SimDisk(), JumpyClock(jumps_ms)
    lsns: list[int] = []
    for opening in range(3):
        with open_store("/s", disk=disk, clock=clock) as store:
            assert 0 <= store.stats().recovery.recover_ms < 1000
            lsns += [store.put(b"k", b"%d" % (10 * opening + number)) for number in range(5)]
            if opening == 1:
                store.checkpoint()
            assert store.get(b"k") == b"%d" % (10 * opening + 4)
    assert lsns == sorted(set(lsns)), "an LSN repeats or goes back"


@pytest.mark.parametrize("jumps_ms", PATTERNS)
def test_the_newest_object_is_the_one_put_last(jumps_ms: tuple[int, ...]) -> None:
    with open_store("/s", disk=SimDisk(), clock=JumpyClock(jumps_ms)) as store:
        objects = ObjectStore(store, chunk_bytes=64)
        objects.create_bucket("b")
        for number in range(6):
            content = b"%d" % number * 200
            etag = objects.put("b", "k", content).etag
            assert objects.get("b", "k") == content
            assert [info.etag for info in objects.list("b")] == [etag]
        uploads = {objects.start_upload("b", "u") for _ in range(50)}
        assert len(uploads) == 50, "ids of uploads depend on the time of day"
        assert objects.collect_garbage() == 0


@pytest.mark.parametrize("jump_ms", [-HOUR_MS, HOUR_MS])
def test_an_upload_in_parts_outlives_a_jump(jump_ms: int) -> None:
    with open_store("/s", disk=SimDisk(), clock=JumpyClock((0, jump_ms))) as store:
        objects = ObjectStore(store, chunk_bytes=64)
        objects.create_bucket("b")
        upload = objects.start_upload("b", "k")
        part = objects.put_part("b", "k", upload, 1, b"x" * 500)
        objects.complete_upload("b", "k", upload, [(1, part.etag)])
        assert objects.get("b", "k") == b"x" * 500
