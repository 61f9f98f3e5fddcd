"""The checks of task 4: what is evicted, in which order, and what never is."""

from __future__ import annotations

from veristack_lab.labs.checking import bad, check

from .holding import history
from .oracle import hashes_of, request_of
from .watched import Watched, names, words_of

SEEDS = range(100, 160)


@check("4", "nothing is evicted while a block is free, and then no more than what is short")
def no_more(work):
    for wanted in range(1, 11):
        pool = Watched(work, 10)
        pool.allocate("old", "ABCDE", rest=0)
        pool.free("old")
        request = request_of(work, "new", "", blocks=wanted)
        left = min(5, 10 - wanted)
        given = f"allocate({words_of(request)}), of 10 blocks 5 are free and 5 idle"
        expected = f"a grant, and {left} of the idle blocks still cached"
        pool.call(pool.pool, "allocate", request, given=given, expected=expected)
        found = [entry for entry in hashes_of("ABCDE") if entry in pool.pool]
        if len(found) != left:
            bad(expected, f"{len(found)} cached: {names(found) or 'none'}")


@check("4", "the block that has been idle longest goes first")
def oldest_first(work):
    orders = (("r1", "r2", "r3"), ("r3", "r1", "r2"), ("r2", "r3", "r1"))
    for order in orders:
        pool = Watched(work, 6)
        for name, word in zip(("r1", "r2", "r3"), ("A", "B", "C"), strict=True):
            pool.allocate(name, word)
        for name in order:
            pool.free(name)
        for number in range(4, 7):
            pool.allocate(f"new{number}", "", blocks=number)
            pool.free(f"new{number}")


@check("4", "of the blocks that one request left, the tail goes before the head")
def tail_first(work):
    for rest in (0, 1):
        pool = Watched(work, 12)
        pool.allocate("r1", "ABCDEF", rest=rest)
        pool.free("r1")
        for blocks in range(6, 13):
            pool.allocate(f"new{blocks}", "", blocks=blocks)
            pool.free(f"new{blocks}")


@check("4", "the time at which it became idle decides, and not how deep it is in its chain")
def by_age(work):
    pool = Watched(work, 9)
    pool.allocate("r1", "ABC")
    pool.allocate("r2", "ABXY")
    pool.free("r1")
    pool.free("r2")
    for blocks in range(4, 10):
        pool.allocate(f"new{blocks}", "", blocks=blocks)
        pool.free(f"new{blocks}")


@check("4", "what was used again is young again, all of it that was shared and no more")
def young_again(work):
    pool = Watched(work, 10)
    pool.allocate("r1", "ABC")
    pool.free("r1")
    pool.allocate("r2", "XYZ")
    pool.free("r2")
    pool.allocate("r3", "AB")
    pool.free("r3")
    for blocks in range(5, 11):
        pool.allocate(f"new{blocks}", "", blocks=blocks)
        pool.free(f"new{blocks}")
    # A look is no use: a prompt cached as a whole does not hold the old copy of its last block.
    pool = Watched(work, 8)
    pool.allocate("r1", "AB", rest=0)
    pool.free("r1")
    pool.allocate("r2", "XY", rest=0)
    pool.free("r2")
    pool.allocate("r3", "AB", rest=0)
    pool.free("r3")
    for blocks in range(4, 9):
        pool.allocate(f"new{blocks}", "", blocks=blocks)
        pool.free(f"new{blocks}")


@check("4", "a request that does not fit evicts nothing, and makes nothing younger or older")
def refused(work):
    pool = Watched(work, 9)
    pool.allocate("r1", "ABC", rest=0)
    pool.free("r1")
    pool.allocate("r2", "XYZ", rest=0)
    pool.free("r2")
    pool.allocate("r3", "", blocks=2)
    for word in ("ABC", "XYZ", "A", "QRS", ""):
        pool.allocate("large", word, blocks=12)
    pool.misuse("free", "large", "large")
    pool.misuse("allocate", request_of(work, "r3", "ABC"), "r3")
    for blocks in range(3, 8):
        pool.allocate(f"new{blocks}", "", blocks=blocks)
        pool.free(f"new{blocks}")


@check("4", "a block in use is never evicted, however old and however much is asked for")
def in_use(work):
    pool = Watched(work, 8)
    pool.allocate("r1", "AB")
    pool.allocate("r2", "ABC")
    pool.free("r1")
    pool.allocate("r3", "XYZ", rest=0)
    pool.free("r3")
    for blocks in range(1, 9):
        pool.allocate(f"new{blocks}", "", blocks=blocks)
    pool.free("r2")
    pool.allocate("r4", "ABC")


@check("4", "the prefix that a request shares is no room for its own rest")
def own_prefix(work):
    for blocks in range(3, 9):
        pool = Watched(work, 6)
        pool.allocate("r1", "ABC")
        pool.free("r1")
        pool.allocate("r2", "ABCD"[: min(4, blocks)], rest=0, blocks=blocks)
        pool.allocate("r3", "ABC")
    for blocks in range(4, 9):
        pool = Watched(work, 7)
        pool.allocate("r1", "XY")
        pool.allocate("r2", "ABC", rest=0)
        pool.free("r2")
        pool.allocate("r3", "ABC", blocks=blocks)
        pool.free("r1")
        pool.allocate("r4", "ABC", blocks=blocks)
        pool.allocate("r5", "XY")


@check("4", "a prompt whose last block is the victim of its own copy is cached all the same")
def own_tail(work):
    pool = Watched(work, 3)
    pool.allocate("r1", "ABC"[:2], rest=0)
    pool.free("r1")
    pool.allocate("r2", "AB", rest=0)
    pool.free("r2")
    pool.allocate("r3", "AB", rest=0, blocks=3)
    pool.allocate("r4", "AB", rest=0)
    pool.free("r3")
    pool.allocate("r4", "ABC", rest=0)


@check("4", "what was evicted is computed again, and is found in its new block")
def evicted(work):
    pool = Watched(work, 5)
    for number in range(6):
        pool.allocate(f"r{number}", ("ABC", "XYZ")[number % 2], blocks=5)
        pool.allocate("none", "A")
        pool.free(f"r{number}")
    pool.allocate("r7", "XYZA")


@check("4", "any history: what is cached, what is shared, and in the end every block can be given")
def any_history(work):
    for seed in SEEDS:
        history(work, seed, evicting=True)


@check("4", "a long history in a small pool, and in a large one")
def long_history(work):
    history(work, 7, evicting=True, totals=(7,), steps=600)
    history(work, 8, evicting=True, totals=(60,), steps=300)
