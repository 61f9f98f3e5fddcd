"""The checks of task 3: memory is shared, counted and given back. Nothing is evicted here."""

from __future__ import annotations

import random

from veristack_lab.labs.checking import bad, check

from .oracle import BLOCK, hashes_of, request_of
from .watched import Watched, names, words_of

SEEDS = range(25)
STEPS = 60


@check("3", "when allocate returns, every full block of the prompt is cached")
def cached_at_once(work):
    for size in range(1, 6):
        pool = Watched(work, 12)
        word = "ABCDE"[:size]
        request = request_of(work, "one", word)
        given = f"allocate({words_of(request)})"
        expected = f"{names(hashes_of(word))} cached when it has returned"
        pool.call(pool.pool, "allocate", request, given=given, expected=expected)
        if missing := [entry for entry in hashes_of(word) if entry not in pool.pool]:
            bad(expected, f"{names(missing)} not in the pool")


@check("3", "as many blocks as prompt and answer take, each of them given once")
def as_many(work):
    for tokens in range(1, 3 * BLOCK):
        for answer in (0, 1, 3, 4, 5, 9):
            pool = Watched(work, 12)
            word, rest = "ABC"[: tokens // BLOCK], tokens % BLOCK
            request = work.Request("one", request_of(work, "", word).hashes, tokens, answer)
            blocks = request.blocks
            pool.allocate("one", word, rest, blocks if answer else 0)
            pool.allocate("two", "", blocks=12 - len(pool.books.in_use()))


@check("3", "blocks of a prefix that is cached are shared, and counted")
def shared(work):
    pool = Watched(work, 30)
    pool.allocate("r1", "AB")
    pool.allocate("r2", "ABC")
    pool.allocate("r3", "ABCD", rest=2, blocks=8)
    pool.allocate("r4", "AXCD")
    pool.allocate("r5", "BC")
    for name in ("r2", "r1", "r5", "r3", "r4"):
        pool.free(name)
    pool.allocate("r6", "ABCD")
    pool.allocate("r7", "AX", rest=3)
    pool.allocate("r8", "BCD")


@check("3", "a free block is taken before a cached one is evicted, whichever was let go first")
def free_first(work):
    for cached_first in (True, False):
        pool = Watched(work, 6)
        pool.allocate("plain", "", blocks=3)
        pool.allocate("cached", "AB", rest=1)
        for name in ("cached", "plain") if cached_first else ("plain", "cached"):
            pool.free(name)
        pool.allocate("new", "XY", rest=1, blocks=4)


@check("3", "a prompt that is cached as a whole: its last block is computed, in a block of its own")
def whole(work):
    for ends_first in (True, False):
        pool = Watched(work, 20)
        pool.allocate("r1", "ABC", rest=0)
        if ends_first:
            pool.free("r1")
        pool.allocate("r2", "ABC", rest=0)
        pool.allocate("r3", "ABCD", rest=0)
        pool.free("r2")
        pool.allocate("r4", "A", rest=0)
        pool.allocate("r5", "ABC", rest=1)
        if not ends_first:
            pool.free("r1")
        for name in ("r5", "r3", "r4"):
            pool.free(name)
        # Their copies are free again, and no more than that.
        pool.allocate("rest", "", blocks=20 - 4)


@check("3", "a request that is freed twice, or never ran, is refused, and nothing changes")
def freed_twice(work):
    pool = Watched(work, 9)
    pool.misuse("free", "r1", "r1")
    for name in ("r1", "r2"):
        pool.allocate(name, "AB")
    pool.free("r1")
    for _ in range(3):
        pool.misuse("free", "r1", "r1")
    pool.allocate("r3", "AB", blocks=8)
    pool.misuse("free", "r1", "r1")
    pool.free("r2")
    pool.misuse("free", "r2", "r2")
    pool.allocate("r1", "AB", rest=3)
    pool.free("r1")
    pool.misuse("free", "", "''")


@check("3", "a request that does not fit takes nothing, and does not run")
def takes_nothing(work):
    for word in ("", "AB", "ABCDEFG", "ABQ", "XYZ"):
        pool = Watched(work, 8)
        pool.allocate("r1", "ABC", rest=3)
        for _ in range(3):
            pool.allocate("large", word, blocks=9)
        pool.misuse("free", "large", "large")
        pool.allocate("r2", "", blocks=pool.books.free_count())
        pool.allocate("r3", "")
        pool.free("r2")
        pool.allocate("large", word[:4])


@check("3", "a block that requests share is free only when the last of them has ended")
def counted(work):
    for order in (("r1", "r2", "r3"), ("r3", "r2", "r1"), ("r2", "r3", "r1")):
        pool = Watched(work, 10)
        for name in order:
            pool.allocate(name, "AB", rest=2)
        for name in order:
            room = pool.books.free_count()
            pool.allocate("over", "", blocks=room + 1)
            pool.allocate("fill", "", blocks=room)
            pool.allocate("more", "ABCDEFGHIJ")
            pool.free("fill")
            pool.free(name)


@check("3", "the list in a grant is the receiver's to change")
def receivers_list(work):
    pool = Watched(work, 10)
    pool.spoils = True
    pool.allocate("r1", "AB")
    pool.allocate("r2", "ABC")
    pool.free("r1")
    pool.allocate("over", "", blocks=pool.books.free_count() + 1)
    pool.free("r2")
    pool.allocate("fill", "", blocks=pool.books.free_count())
    pool.free("fill")
    pool.allocate("r3", "ABCD")


@check("3", "a name that is running is refused, and keeps what it has")
def running_twice(work):
    pool = Watched(work, 12)
    pool.allocate("r1", "ABC")
    for word, blocks in (("ABC", 0), ("X", 0), ("", 12), ("", 30)):
        request = request_of(work, "r1", word, blocks=blocks)
        pool.misuse("allocate", request, "r1")
    pool.free("r1")
    pool.misuse("free", "r1", "r1")
    pool.allocate("r1", "ABCD", blocks=8)


@check("3", "any history without evictions: nothing is lost, mixed up or given twice")
def any_history(work):
    for seed in SEEDS:
        history(work, seed, evicting=False)


def history(work, seed, *, evicting, totals=(1, 2, 5, 8, 13, 24), steps=STEPS):
    """Requests that come, share, fail, come again and end, in an order that the seed chooses.

    A name that has ended comes again with another prompt, and one that failed with the same one.
    """
    choose = random.Random(seed)
    pool, failed = Watched(work, choose.choice(totals)), []
    letters = "AB" if seed % 3 else "ABCD"
    for _ in range(steps):
        running = list(pool.books.running)
        if running and choose.random() < 0.45:
            pool.free(choose.choice(running))
            continue
        name, asked = f"r{choose.randrange(30)}", a_request(choose, letters)
        if failed and choose.random() < 0.4:
            name, asked = failed.pop(choose.randrange(len(failed)))
        if name in running:
            continue
        plan = pool.books.plan(request_of(work, name, *asked))
        evicts = bool(plan.victims if plan else pool.books.idle)
        if (evicting or not evicts) and not pool.allocate(name, *asked):
            failed.append((name, asked))
    for name in choose.sample(list(pool.books.running), len(pool.books.running)):
        pool.free(name)
    room = pool.total if evicting else pool.books.free_count()
    if room:
        pool.allocate("all", "", blocks=room)


def a_request(choose, letters):
    """A word, tokens behind it, and blocks in all."""
    word = "".join(choose.choices(letters, k=choose.randrange(6)))
    extra = choose.choice((0, 0, 0, 1, 2, len(word)))
    return word, choose.choice((0, 0, 1, 3)), len(word) + 1 + extra
