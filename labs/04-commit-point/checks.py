"""The checks of lab 04: the power is cut before every single operation on the store."""

from __future__ import annotations

import itertools
import tempfile
from contextlib import suppress
from pathlib import Path

from veristack_lab import veristore
from veristack_lab.errors import ObjectNotFound, StoreCorrupt, StoreFailed
from veristack_lab.labs.checking import FirstBad, check, expect, raising_is_bad, show

MAX_CALLS = 5_000
"""Nothing here needs a tenth of it; who makes more turns in a circle."""
BUCKET = "models"
OLD, NEW, OTHER = b"old " * 40, b"new! " * 50, b"other " * 20
ABSENT = "not there"


class PowerCut(BaseException):
    """The power goes. Not an Exception: nobody's `except` may live on after it."""


class CutStore:
    """Keys and values in memory, each call atomic and durable, and a plug that can be pulled.

    Args:
        work: the learner's module, to tell keys by what they mean.
        data: what an earlier life left.
        cut: before which operation (a call that changes something) the power goes.
        fails: before which operation the disk fails.
        before_call: told about each call, of any kind, before it happens.
        after_read: told about each get and scan, after it has read and before it returns.
    """

    def __init__(self, work, data=None, *, cut=None, fails=None, before_call=None, after_read=None):
        self.work, self.data = work, dict(data or {})
        self.cut, self.fails = cut, fails
        self.before_call = before_call or (lambda _: None)
        self.after_read = after_read or (lambda _: None)
        self.operations, self.calls = [], 0

    def _called(self):
        self.calls += 1
        if self.calls > MAX_CALLS:
            raise FirstBad("this check", "an end", f"{MAX_CALLS:,} calls of the store, and no end")
        self.before_call(self)

    def _operation(self, changes):
        self._called()
        told = self._tell_all(changes)
        if self.cut == len(self.operations):
            raise PowerCut(told)
        if self.fails == len(self.operations):
            raise StoreFailed("the disk has failed")
        self.operations.append(told)
        for key, value in changes:
            if value is None:
                self.data.pop(key, None)
            else:
                self.data[key] = value

    def get(self, key):
        self._called()
        value = self.data.get(key)
        self.after_read(self)
        return value

    def scan(self, prefix=b""):
        self._called()
        pairs = sorted(pair for pair in self.data.items() if pair[0].startswith(prefix))
        self.after_read(self)
        return iter(pairs)

    def put(self, key, value):
        self._operation([(key, value)])

    def delete(self, key):
        self._operation([(key, None)])

    def write(self, batch):
        self._operation(list(batch.changes))

    def _tell_all(self, changes):
        told = [
            f"{'put' if value is not None else 'delete'} {self._tell(key)}"
            for key, value in changes
        ]
        counts = {line: told.count(line) for line in told}
        lines = (f"{count} x {line}" if count > 1 else line for line, count in counts.items())
        return " + ".join(lines)

    def _tell(self, key):
        """A key as people would call it."""
        if key.startswith(self.work.CHUNK):
            return f"a chunk of upload {int.from_bytes(self.work.id_of(key), 'big')}"
        name = key[len(self.work.bucket_prefix(BUCKET)) :]
        return f"metadata of {name.decode(errors='replace')!r}"


def ids():
    """Object ids that count uploads: 1, 2, 3."""
    counter = itertools.count(1)
    return lambda: next(counter).to_bytes(16, "big")


def place(work, data, name, content, number):
    """Store an object without the learner's `put`."""
    object_id = (1000 + number).to_bytes(16, "big")
    starts = range(0, len(content), work.CHUNK_BYTES)
    for n, start in enumerate(starts):
        data[work.chunk_key(object_id, n)] = content[start : start + work.CHUNK_BYTES]
    data[work.meta_key(BUCKET, name)] = work.Meta(object_id, len(starts)).encode()
    return object_id


def remove(work, data, name):
    """Remove an object without the learner's `delete`."""
    meta = work.Meta.decode(data.pop(work.meta_key(BUCKET, name)))
    for n in range(meta.chunks):
        del data[work.chunk_key(meta.object_id, n)]


def found(work, data, name):
    """What a reader finds: the content, that there is none, or what is wrong with it."""
    record = data.get(work.meta_key(BUCKET, name))
    if record is None:
        return ABSENT
    meta = work.Meta.decode(record)
    chunks = [data.get(work.chunk_key(meta.object_id, n)) for n in range(meta.chunks)]
    missing = [n for n, chunk in enumerate(chunks) if chunk is None]
    return f"metadata, but chunk {missing[0]} is missing" if missing else b"".join(chunks)


def orphans(work, data):
    """Keys that no object needs."""
    metas = [work.Meta.decode(v).object_id for k, v in data.items() if k.startswith(work.META)]
    return [k for k in data if k.startswith(work.CHUNK) and work.id_of(k) not in metas]


def expect_one_of(given, work, data, name, *legal):
    got = found(work, data, name)
    if got not in legal:
        raise FirstBad(given, f"{name!r}: " + " or ".join(map(show, legal)), show(got))


def cuts(work, data, act, what):
    """Run `act` with the power cut before each of its operations, and at last to its end.

    Yields (given, store, whether it came to its end).
    """
    for cut in itertools.count():
        store = CutStore(work, data, cut=cut)
        objects = work.ObjectStore(store, ids())
        try:
            with raising_is_bad(work, f"{what}, before operation {cut + 1}", "no error"):
                act(objects)
        except PowerCut as gone:
            done = "; ".join(store.operations) or "nothing"
            yield f"{what}; done: {done}; power cut before: {gone}", store, False
        else:
            yield f"{what}; done: {'; '.join(store.operations)}", store, True
            return


# ------------------------------------------------------------------- task 1


@check("1", "no two objects share a key, whatever their names")
def no_collision(work):
    pairs = [("a", "b/c"), ("a/b", "c"), ("a", "b"), ("ab", ""), ("", "ab"), ("a\0", "b")]
    pairs += [("a", "\0b"), ("ä", "b"), ("a", "̈b"), ("a" * 255, "b"), ("a" * 254, "ab")]
    seen = {}
    for bucket, name in pairs:
        with raising_is_bad(work, f"meta_key({bucket!r:.30}, {name!r})", "a key"):
            key = work.meta_key(bucket, name)
        if key in seen:
            given = f"meta_key of {seen[key]!r:.60} and of {(bucket, name)!r:.60}"
            raise FirstBad(given, "two keys", show(key))
        if not key.startswith(work.META):
            raise FirstBad(f"meta_key({bucket!r}, {name!r})", "a key that begins META", show(key))
        seen[key] = (bucket, name)


@check("1", "a bucket's objects in byte order, and those of no other bucket")
def in_order(work):
    names = ["", "Z", "a", "a/b", "ä", "\uffff", "\U0001f600"]
    with raising_is_bad(work, "names('b') after some objects", "a list of names"):
        data = {work.meta_key("b", name): b"" for name in reversed(names)}
        others = [("bb", "x"), ("", "x"), ("a", "b"), ("b/", "x"), ("b\0", "x")]
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
            raise FirstBad("chunk_key", "a key that begins CHUNK", show(strange[0]))


@check("1", "the id in a chunk's key")
def id_in_key(work):
    for object_id in (bytes(16), b"chunk\0meta\0 id!!", b"\xff" * 16):
        for number in (0, 300):
            with raising_is_bad(work, f"chunk_key({object_id!r}, {number})", "a key"):
                key = work.chunk_key(object_id, number)
            expect(work, "id_of", key, returns=object_id)


# ------------------------------------------------------------------- task 2


@check("2", "what was put is there, of any size")
def put_and_there(work):
    for size in (0, 1, 63, 64, 65, 128, 200):
        store, content = CutStore(work), bytes(range(200))[:size]
        with raising_is_bad(work, f"put of {size} bytes", "no error"):
            work.ObjectStore(store, ids()).put(BUCKET, "m", content)
        expect_one_of(f"put of {size} bytes", work, store.data, "m", content)


@check("2", "a new object, the power cut before every operation: whole, or not there")
def new_cut(work):
    for given, store, whole in cuts(work, {}, put_new, "put of a new object"):
        expect_one_of(given, work, store.data, "m", *([] if whole else [ABSENT]), NEW)


@check("2", "an overwrite, the power cut before every operation: all old, or all new")
def overwrite_cut(work):
    before = {}
    place(work, before, "m", OLD, 1)
    place(work, before, "other", OTHER, 2)
    for given, store, whole in cuts(work, before, put_new, "overwrite"):
        expect_one_of(given, work, store.data, "m", *([] if whole else [OLD]), NEW)
        expect_one_of(given, work, store.data, "other", OTHER)


@check("2", "an overwrite takes the old chunks with it")
def overwrite_clean(work):
    before = {}
    place(work, before, "m", OLD, 1)
    *_, (given, store, _) = cuts(work, before, put_new, "overwrite")
    if left := orphans(work, store.data):
        raise FirstBad(given, "no chunk that nobody needs", f"{len(left)} of them")


@check("2", "an upload is open from before its first chunk until after its commit")
def upload_open(work):
    def look(store):
        if upload not in objects.open_uploads:
            got = f"{len(objects.open_uploads)} open uploads, its id is not among them"
            raise FirstBad(f"put, after {len(store.operations)} operations", "its id", got)

    upload = (1).to_bytes(16, "big")
    objects = work.ObjectStore(CutStore(work), ids())
    objects.store.before_call = lambda store: look(store) if store.data else None
    with raising_is_bad(work, "put", "no error"):
        objects.put(BUCKET, "m", NEW)
    if objects.open_uploads:
        raise FirstBad("put, returned", "no open upload", f"{len(objects.open_uploads)}")
    failing = work.ObjectStore(CutStore(work, fails=2), ids())
    with suppress(StoreFailed):
        failing.put(BUCKET, "m", NEW)
    if failing.open_uploads:
        raise FirstBad("put, broken off by StoreFailed", "no open upload", "its id still there")


@check("2", "another upload to the same name between any two operations: one of them, whole")
def two_uploads(work):
    for when in range(operations_of_a_put(work)):
        given = f"put, and before its operation {when + 1} another put to the same name"
        meet(work, when, lambda objects: objects.put(BUCKET, "m", OTHER), given, NEW, OTHER)


def operations_of_a_put(work):
    return -(-len(NEW) // work.CHUNK_BYTES) + 1


def meet(work, when, act, given, *legal):
    """A put, and something else that happens before one of its operations."""
    met = []

    def before_call(store):
        if len(store.operations) == when and not met:
            met.append(when)
            act(objects)

    objects = work.ObjectStore(CutStore(work, before_call=before_call), ids())
    with raising_is_bad(work, given, "no error"):
        objects.put(BUCKET, "m", NEW)
    expect_one_of(given, work, objects.store.data, "m", *legal)


def put_new(objects):
    objects.put(BUCKET, "m", NEW)


# ------------------------------------------------------------------- task 3


@check("3", "the content, of any size")
def got(work):
    for size in (0, 1, 64, 65, 200):
        data, content = {}, bytes(range(200))[:size]
        place(work, data, "m", content, 1)
        answer(work, CutStore(work, data), f"get of {size} bytes", content)


@check("3", "what is not there is ObjectNotFound, what is broken is StoreCorrupt")
def refused(work):
    answer(work, CutStore(work), "get of nothing", "ObjectNotFound")
    for lost in range(3):
        data = {}
        object_id = place(work, data, "m", OLD, 1)
        del data[work.chunk_key(object_id, lost)]
        answer(work, CutStore(work, data), f"get, chunk {lost} is lost", "StoreCorrupt")


@check("3", "replaced between any two reads: all of one version")
def replaced(work):
    def replace(data):
        remove(work, data, "m")
        place(work, data, "m", NEW, 2)

    interrupted(work, replace, "replaced", OLD, NEW)


@check("3", "deleted between any two reads: the content, or ObjectNotFound")
def deleted(work):
    interrupted(work, lambda data: remove(work, data, "m"), "deleted", OLD, "ObjectNotFound")


def interrupted(work, change, what, *legal):
    for when in range(1, 9):
        data = {}
        place(work, data, "m", OLD, 1)

        def before_call(store, when=when):
            if store.calls == when:
                change(store.data)

        store = CutStore(work, data, before_call=before_call)
        answer(work, store, f"get, the object is {what} before its read {when}", *legal)


def answer(work, store, given, *legal):
    expected = " or ".join(map(show, legal))
    try:
        with raising_is_bad(work, given, expected, but=(ObjectNotFound, StoreCorrupt)):
            content = work.ObjectStore(store).get(BUCKET, "m")
    except (ObjectNotFound, StoreCorrupt) as error:
        content = type(error).__name__
    if content not in legal:
        raise FirstBad(given, expected, show(content))


# ------------------------------------------------------------------- task 4


@check("4", "gone with all its chunks, and nothing else with it")
def gone(work):
    *_, (given, store, _) = cuts(work, two_objects(work), delete_m, "delete")
    expect_one_of(given, work, store.data, "m", ABSENT)
    expect_one_of(given, work, store.data, "other", OTHER)
    if left := orphans(work, store.data):
        raise FirstBad(given, "none of its chunks left", f"{len(left)} of them")


@check("4", "the power cut before every operation: whole, or not there")
def delete_cut(work):
    for given, store, whole in cuts(work, two_objects(work), delete_m, "delete"):
        expect_one_of(given, work, store.data, "m", *([] if whole else [OLD]), ABSENT)


@check("4", "what is not there can be deleted")
def delete_nothing(work):
    list(cuts(work, {}, delete_m, "delete of nothing"))


def two_objects(work):
    data = {}
    place(work, data, "m", OLD, 1)
    place(work, data, "other", OTHER, 2)
    return data


def delete_m(objects):
    objects.delete(BUCKET, "m")


# ------------------------------------------------------------------- task 5


def with_orphans(work):
    """Two objects, and three chunks of an upload that a power cut ended."""
    data = two_objects(work)
    for n in range(3):
        data[work.chunk_key((77).to_bytes(16, "big"), n)] = b"left behind"
    return data


def collect(objects):
    objects.collect()


def expect_kept(given, work, data):
    expect_one_of(given, work, data, "m", OLD)
    expect_one_of(given, work, data, "other", OTHER)


@check("5", "chunks that nobody needs go, and are counted; objects stay")
def swept(work):
    store = CutStore(work, with_orphans(work))
    with raising_is_bad(work, "collect", "3"):
        count = work.ObjectStore(store).collect()
    expect_kept("collect", work, store.data)
    if (count, left := orphans(work, store.data)) != (3, []):
        raise FirstBad("collect, three chunks are left behind", "3", f"{count}, {len(left)} left")


@check("5", "the power cut before every operation: objects stay, and the next run ends it")
def collect_cut(work):
    for given, store, _ in cuts(work, with_orphans(work), collect, "collect"):
        expect_kept(given, work, store.data)
        work.ObjectStore(store := CutStore(work, store.data)).collect()
        expect_kept(f"{given}; collected again", work, store.data)
        if left := orphans(work, store.data):
            raise FirstBad(f"{given}; collected again", "nothing left", f"{len(left)} chunks")


@check("5", "run between any two operations of an upload: the upload lives")
def collect_in_upload(work):
    for when in range(operations_of_a_put(work)):
        given = f"put, and a collect before its operation {when + 1}"
        meet(work, when, lambda objects: objects.collect(), given, NEW)


@check("5", "an upload that commits between any two steps of the collector lives")
def commit_in_collect(work):
    for when in range(1, 9):
        beside_collect(work, when, "before_call", begun=True)
        beside_collect(work, when, "after_read", begun=True)


@check("5", "an upload that begins between any two steps of the collector lives")
def begin_in_collect(work):
    for when in range(1, 9):
        beside_collect(work, when, "before_call", begun=False)
        beside_collect(work, when, "after_read", begun=False)


def beside_collect(work, when, hook, *, begun):
    """An upload in flight, which begins or commits at one moment of a collect."""
    whole = {}
    object_id = place(work, whole, "m", NEW, 9)
    meta = {key: whole.pop(key) for key in [work.meta_key(BUCKET, "m")]}

    def move_on(store):
        if store.calls == when and begun:
            store.data.update(meta)
            objects.open_uploads.discard(object_id)
        elif store.calls == when:
            objects.open_uploads.add(object_id)
            store.data.update(whole)

    store = CutStore(work, with_orphans(work) | (whole if begun else {}), **{hook: move_on})
    remove(work, store.data, "m")
    objects = work.ObjectStore(store)
    if begun:
        objects.open_uploads.add(object_id)
    moment = f"{'before' if hook == 'before_call' else 'right after'} the collector's call {when}"
    given = f"collect; an upload {'commits' if begun else 'begins'} {moment}"
    with raising_is_bad(work, given, "no error"):
        objects.collect()
    if begun or objects.open_uploads:
        expect_one_of(given, work, store.data | meta, "m", NEW)


HISTORY = (
    ("put", "a", OLD),
    ("put", "b", OTHER),
    ("put", "a", NEW),
    ("delete", "b", None),
    ("put", "b", OLD),
    ("put", "a", OTHER),
    ("put", "empty", b""),
    ("collect", "", None),
)


def live(objects, acknowledged):
    """The whole history; what was acknowledged is noted step by step."""
    for step in HISTORY:
        acknowledged.append(step)
        act, name, content = step
        if act == "put":
            objects.put(BUCKET, name, content)
        elif act == "delete":
            objects.delete(BUCKET, name)
        else:
            objects.collect()
    acknowledged.append(("end", "", None))


def states(steps):
    """Each name's content after these steps."""
    state = dict.fromkeys("ab", ABSENT) | {"empty": ABSENT}
    for act, name, content in steps:
        if act in ("put", "delete"):
            state[name] = content if act == "put" else ABSENT
    return state


@check("5", "a whole history, cut before every operation, collected, and cut again")
def everywhere(work):
    steps = []

    def act(objects):
        steps.clear()
        live(objects, steps)

    for given, store, _ in cuts(work, {}, act, "a history of puts and deletes"):
        before, after = states(steps[:-1]), states(steps)
        # It is the story of a whole life: its end is what matters.
        last = "; ".join(given.split("; ")[-3:])
        given = f"acknowledged: {tell(steps[:-1])}; then {tell(steps[-1:])}: ... {last}"
        for again, reopened, _ in cuts(work, store.data, collect, "collect after the cut"):
            for name in before:
                legal = dict.fromkeys([before[name], after[name]])
                expect_one_of(f"{given}; {again}", work, reopened.data, name, *legal)
        if left := orphans(work, reopened.data):
            raise FirstBad(f"{given}; collected", "no chunk left over", f"{len(left)}")


def tell(steps):
    return ", ".join(f"{act} {name}".strip() for act, name, _ in steps) or "nothing"


@check("5", "on the lab's own store, closed and opened again")
def for_real(work):
    with tempfile.TemporaryDirectory() as folder, raising_is_bad(work, "a real store", "no error"):
        path = Path(folder) / "store"
        with veristore.open(path) as store:
            live(work.ObjectStore(store), [])
        with veristore.open(path) as store:
            objects = work.ObjectStore(store)
            content = {name: objects.get(BUCKET, name) for name in objects.names(BUCKET)}
            left = objects.collect()
    wanted = {"a": OTHER, "b": OLD, "empty": b""}
    if (content, left) != (wanted, 0):
        raise FirstBad("a real store", f"{show(wanted)}, 0 left over", f"{show(content)}, {left}")
