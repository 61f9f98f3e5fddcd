"""The checks of lab 04: faults before and after every single operation on the store.

Laws are checked, not lists of calls. Tasks 1 and 2 are here, 3 and 4 in reading.py, 5 in
sweeping.py.
"""

from __future__ import annotations

import itertools

from veristack_lab.errors import StoreError
from veristack_lab.labs.checking import FirstBad, check, expect, raising_is_bad, show

from . import reading as reading  # registers the checks of tasks 3 and 4
from . import sweeping as sweeping  # and of task 5
from .cutstore import (
    ABSENT,
    BUCKET,
    LONG,
    NEW,
    OLD,
    OTHER,
    CutStore,
    Halt,
    expect_clean,
    expect_neighbours,
    expect_one_of,
    expect_told,
    found,
    ids,
    met,
    objects_before,
    objects_of,
    run,
    strikes,
)

# ------------------------------------------------------------------- task 1


@check("1", "no two objects share a key, whatever their names")
def no_collision(work):
    pairs = [("a", "b/c"), ("a/b", "c"), ("a", "b"), ("ab", ""), ("", "ab"), ("a\0", "b")]
    pairs += [("a", "\0b"), ("ä", "b"), ("a", "̈b"), ("a" * 255, "b"), ("a" * 254, "ab")]
    pairs += [("A", "b"), ("a", "B"), ("a\0\0", "b"), ("a\0", "\0b"), ("a", "b "), ("a ", "b")]
    pairs += [("a" * 300, "b"), ("a" * 44, "b"), ("a" * 44, "a" * 256 + "b")]
    pairs += [("a.b", ""), ("a", ".b")]
    seen = {}
    for bucket, name in pairs:
        given = f"meta_key({bucket!r:.30}, {name!r:.30})"
        key = run(work, given, "a key", lambda b=bucket, n=name: work.meta_key(b, n))
        if not isinstance(key, bytes) or not key.startswith(work.META):
            raise FirstBad(given, "bytes that begin with META", show(key))
        if key in seen:
            given = f"meta_key of {seen[key]!r:.60} and of {(bucket, name)!r:.60}"
            raise FirstBad(given, "two keys", show(key))
        seen[key] = (bucket, name)


@check("1", "a bucket's objects in byte order, and those of no other bucket")
def in_order(work):
    names = ["", "Z", "a", "a/b", "ä", "\uffff", "\U0001f600"]
    others = [("bb", "x"), ("", "x"), ("a", "b"), ("b/", "x"), ("b\0", "x"), ("B", "x")]
    with raising_is_bad(work, "names('b') after some objects", "a list of names"):
        data = {work.meta_key("b", name): b"" for name in reversed(names)}
        data |= {work.meta_key(*pair): b"" for pair in others}
        got = work.ObjectStore(CutStore(work, data)).names("b")
    if got != names:
        raise FirstBad(f"names('b'), also stored: {others}", show(names), show(got))


@check("1", "chunks in the order of their numbers")
def chunks_in_order(work):
    numbers = [0, 1, 9, 10, 255, 256, 65_535, 65_536, 2**32 - 1]
    for object_id in (bytes(16), b"\xff" * 16):
        with raising_is_bad(work, "chunk_key(object_id, number)", "a key"):
            keys = {work.chunk_key(object_id, number): number for number in numbers}
        if (got := [keys[key] for key in sorted(keys)]) != numbers:
            raise FirstBad("the order of the chunk keys of an object", show(numbers), show(got))
        if strange := [key for key in keys if not key.startswith(work.CHUNK)]:
            raise FirstBad("chunk_key", "a key that begins with CHUNK", show(strange[0]))


@check("1", "the id in a chunk's key")
def id_in_key(work):
    for object_id in (bytes(16), b"chunk\0meta\0 id!!", b"\xff" * 16, b"\0/" * 8):
        for number in (0, 47, 300, 2**32 - 1):
            with raising_is_bad(work, f"chunk_key({object_id!r}, {number})", "a key"):
                key = work.chunk_key(object_id, number)
            expect(work, "id_of", key, returns=object_id)


# ------------------------------------------------------------------- task 2


def put(name, content):
    return lambda objects: objects.put(BUCKET, name, content)


OVERWRITES = ((OLD, NEW), (NEW, OLD), (OLD, b""), (b"", NEW), (OLD, b"same" * 40), (OLD, OLD))
"""Longer, shorter, to nothing, from nothing, of the same length, and the very same."""


@check("2", "what was put is there, of any size")
def put_and_there(work):
    for size in (0, 1, 63, 64, 65, 128, 200, len(LONG)):
        store, content = CutStore(work), LONG[:size]
        objects = objects_of(work, store, new_id=ids())
        run(work, f"put of {size} bytes", "no error", lambda o=objects, c=content: put("m", c)(o))
        expect_one_of(f"put of {size} bytes", store, "m", content)


@check("2", "no record grows with the object: chunk by chunk, whatever its size")
def small_records(work):
    largest = []
    for count in (40, 300):
        store = CutStore(work)
        objects = objects_of(work, store, new_id=ids())
        content = LONG[: count * work.CHUNK_BYTES]
        run(work, f"put of {count} chunks", "no error", lambda o=objects, c=content: put("m", c)(o))
        largest.append(store.largest)
    if largest[1] > 3 * largest[0]:
        got = f"{largest[1]:,} bytes: a model of gigabytes is no record of a log"
        expected = f"about {largest[0]:,} bytes, as with 40"
        raise FirstBad("the largest record of a put of 300 chunks", expected, got)


@check("2", "a new object, the power cut before every operation: whole, or not there")
def new_cut(work):
    for given, store, _, raised in strikes(work, {}, put("m", NEW), "put of a new object"):
        expect_one_of(given, store, "m", *([ABSENT] if raised else []), NEW)


@check("2", "an overwrite, the power cut before every operation: all old, or all new")
def overwrite_cut(work):
    for old, new in OVERWRITES:
        what = f"overwrite of {len(old)} by {len(new)} bytes"
        before = CutStore(work, objects_before(work, b"older" * 30))
        own = objects_of(work, before, new_id=ids_from(500))
        run(work, f"put of {len(old)} bytes", "no error", lambda o=own, c=old: put("m", c)(o))
        for before in (objects_before(work, old), own.store.data):
            for given, store, _, raised in strikes(work, before, put("m", new), what):
                expect_one_of(given, store, "m", *([old] if raised else []), new)
                expect_neighbours(given, store)


@check("2", "an overwrite takes the old chunks with it")
def overwrite_clean(work):
    for old, new in OVERWRITES:
        what = f"overwrite of {len(old)} by {len(new)} bytes"
        *_, (given, store, _, _) = strikes(work, objects_before(work, old), put("m", new), what)
        expect_clean(given, store, "no chunk that no object needs")


@check("2", "an id belongs to one upload: no chunk is written twice, whatever was there")
def fresh_ids(work):
    for old, new in OVERWRITES:
        store = CutStore(work, objects_before(work, old))
        store.judges_ids = True
        objects = objects_of(work, store, new_id=ids())
        for content in (new, old, new):
            given = f"{len(content)} bytes put over others"
            run(work, given, "no error", lambda o=objects, c=content: put("m", c)(o))


FAULTS = ("full", "failed", "unsure", "interrupted", "late")


@check("2", "a put that fails says so, and leaves all old or all new")
def put_fails(work):
    for old in (ABSENT, OLD):
        before = {} if old == ABSENT else objects_before(work)
        for given, store, _, raised in strikes(work, before, put("m", NEW), "put", FAULTS):
            if found(work, store.data, "m") != NEW:
                expect_told(given, store, raised)
            expect_one_of(given, store, "m", old, NEW)


@check("2", "an upload is open from before its first chunk until after its commit")
def upload_open(work):
    def look(changes):
        mine = {work.id_of(key) for key, value in changes if value and key.startswith(work.CHUNK)}
        begun.update(mine)
        committed = any(key.startswith(work.META) for key in objects.store.data)
        if not committed and not begun <= set(objects.open_uploads):
            got = f"{len(objects.open_uploads)} open uploads, its id is not among them"
            given = f"put, before its operation {len(store.operations) + 1}"
            raise Halt(store.bad(given, "its id in open_uploads", got))

    begun, store = set(), CutStore(work)
    objects = objects_of(work, store, new_id=ids())
    store.before_operation = look
    run(work, "put", "no error", lambda: put("m", NEW)(objects))
    for given, _, ended, _ in strikes(work, {}, put("m", NEW), "put", ("cut", *FAULTS)):
        if ended.open_uploads:
            got = "its id still there"
            raise store.bad(given, "no open upload after it has ended", got)


@check("2", "another upload to the same name between any two operations: one of them, whole")
def two_uploads(work):
    meet(work, lambda objects: put("m", OTHER)(objects), "another put to the same name", NEW, OTHER)


@check("2", "another object between any two operations, with the same content too: both whole")
def two_objects(work):
    for content in (OTHER, NEW):
        data = meet(work, put("n", content), "a put to another name", NEW)
        for given, store in data:
            expect_one_of(given, store, "n", content)
            objects = objects_of(work, store, new_id=ids_from(50))
            run(work, given, "no error", lambda o=objects: put("m", OLD)(o))
            expect_one_of(f"{given}; m replaced", store, "n", content)


def ids_from(start):
    counter = itertools.count(start)
    return lambda: next(counter).to_bytes(16, "big")


def meet(work, act, what, *legal):
    """A put, and something else before each of its operations. The stores, and how it was."""
    ended = []
    for when in itertools.count():
        store = CutStore(work)
        objects = objects_of(work, store, new_id=ids())
        given = f"put, and before its operation {when + 1} {what}"
        now = lambda of, w=when: len(of.operations) == w  # noqa: E731
        with met(store, now, lambda o=objects: act(o)) as did:
            run(work, given, "no error", lambda o=objects: put("m", NEW)(o))
        if not did:
            return ended
        expect_one_of(given, store, "m", *legal)
        ended.append((given, store))
    return ended


@check("2", "after a restart no id comes again: what was stored before stays whole")
def restarted(work):
    store, contents = CutStore(work), {}
    for number in range(4):
        given = f"put {number}, by a store of objects that was opened anew"
        objects = objects_of(work, store)
        contents[f"m{number}"] = content = b"%d" % number * 100
        try:
            run(work, given, "no error", lambda o=objects, n=number, c=content: put(f"m{n}", c)(o))
        except StoreError as error:
            raise store.bad(given, "no error", show(error), f"m{number}") from error
        for name, wanted in contents.items():
            expect_one_of(given, store, name, wanted)
