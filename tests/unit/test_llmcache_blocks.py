"""The block pool's books."""

from __future__ import annotations

import pytest

from veristack_lab.errors import InvalidInput, NoNodeAvailable
from veristack_lab.llmcache.blocks import BlockPool


def test_evicts_as_many_idle_prefixes_as_needed_oldest_first() -> None:
    pool = BlockPool(10)
    for now, key in enumerate((b"a", b"b", b"c")):
        pool.allocate(key, 3, now)
    assert pool.allocate(b"d", 6, 3) == (b"a", b"b")
    assert (pool.used_blocks, sorted(pool)) == (9, [b"c", b"d"])


def test_using_a_prefix_again_makes_it_young() -> None:
    pool = BlockPool(6)
    pool.allocate(b"a", 3, 0)
    pool.allocate(b"b", 3, 1)
    assert pool.allocate(b"a", 3, 2) == ()
    assert pool.allocate(b"c", 3, 3) == (b"b",)


def test_never_evicts_a_pinned_prefix_and_then_changes_nothing() -> None:
    pool = BlockPool(10)
    pool.allocate(b"idle", 4, 0)
    pool.allocate(b"served", 5, 1)
    pool.pin(b"served")
    with pytest.raises(NoNodeAvailable, match="6 blocks are needed; 1 free and 4 evictable"):
        pool.allocate(b"new", 6, 2)
    assert sorted(pool) == [b"idle", b"served"]
    assert pool.free_blocks == 1
    assert pool.allocate(b"new", 5, 3) == (b"idle",)


def test_a_finished_prefix_can_be_evicted_again() -> None:
    pool = BlockPool(4)
    pool.allocate(b"a", 4, 0)
    pool.pin(b"a")
    pool.pin(b"a")
    pool.unpin(b"a")
    assert pool.victims(1) is None
    pool.unpin(b"a")
    assert pool.victims(1) == (b"a",)


def test_one_prompt_a_slot() -> None:
    pool = BlockPool(100, max_prefixes=2)
    pool.allocate(b"a", 1, 0)
    pool.allocate(b"b", 1, 1)
    assert pool.allocate(b"c", 1, 2) == (b"a",)


def test_a_new_prompt_takes_over_the_slot_it_grows_out_of() -> None:
    pool = BlockPool(100, max_prefixes=3)
    pool.allocate(b"old", 1, 0)
    pool.allocate(b"parent", 1, 1)
    assert pool.victims(2, succeeds=b"parent") == (b"parent",)
    pool.pin(b"parent")
    assert pool.victims(2, succeeds=b"parent") == ()


@pytest.mark.parametrize(
    "misuse",
    [
        lambda pool: pool.free(b"absent"),
        lambda pool: pool.pin(b"absent"),
        lambda pool: pool.unpin(b"a"),
        lambda pool: pool.allocate(b"b", -1, 0),
        lambda _: BlockPool(-1),
    ],
)
def test_misuse_is_refused(misuse: object) -> None:
    pool = BlockPool(4)
    pool.allocate(b"a", 1, 0)
    with pytest.raises(InvalidInput):
        misuse(pool)  # type: ignore[operator]
    assert pool.used_blocks == 1


def test_a_prefix_that_is_served_cannot_be_freed() -> None:
    pool = BlockPool(4)
    pool.allocate(b"a", 2, 0)
    pool.pin(b"a")
    with pytest.raises(InvalidInput, match="being served"):
        pool.free(b"a")
    assert pool.used_blocks == 2
