"""The store of the checks: a plug that can be pulled, a disk that fills, and moments to act at."""

from __future__ import annotations

import itertools
import sys
import time
from contextlib import contextmanager
from unittest.mock import patch

from veristack_lab.errors import DiskFull, StoreFailed
from veristack_lab.labs.checking import FirstBad, raising_is_bad, show
from veristack_lab.veristore.wal import writes

from .faults import STRUCK, Fault, PowerCut
from .story import Story, remains

MAX_CALLS, MAX_LINES = 5_000, 200_000
"""Nothing here needs a tenth of them; what needs more turns in a circle."""
BUCKET = "models"
OLD, NEW, OTHER = b"old " * 40, b"new! " * 50, b"other " * 20
LONG = bytes(range(256)) * 75
"""300 chunks: more than one byte can number."""
ABSENT = "not there"


class Halt(BaseException):
    """The check has seen enough; carries the first bad event past the learner's `except`."""

    def __init__(self, bad):
        super().__init__(str(bad))
        self.bad = bad


class CutStore:
    """Keys and values in memory, each call atomic and durable, unless the fault says otherwise.

    It refuses what the lab's own store refuses: an empty batch, and what is not bytes.

    Args:
        work: the learner's module, to tell keys by what they mean.
        data: what an earlier life left.
        fault: what happens at one operation (a call that changes something).
        before_call: told about each call, of any kind, before it happens.
        after_read: told about each get and scan, after it has read and before it returns.
    """

    def __init__(self, work, data=None, *, fault=None, before_call=None, after_read=None):
        self.work, self.data, self.fault = work, dict(data or {}), fault
        self.before_call, self.after_read = before_call, after_read
        self.story = Story(self._tell_all)
        self.before_operation = lambda changes: None
        self.judges_ids = False
        """Whether a chunk that is written for the second time is the first bad event."""
        self.operations, self.calls, self.largest, self.written = [], 0, 0, dict(self.data)
        self.dead = None

    def _called(self):
        self.calls += 1
        if self.calls > MAX_CALLS:
            got = f"{MAX_CALLS:,} calls of the store, and no end"
            raise Halt(self.bad("this check", "an end", got))
        self._others(self.before_call)

    def _others(self, act):
        """A moment at which others may do something."""
        if act is not None:
            self.story.by_others(dict(self.data), self, act)

    def _operation(self, changes):
        self._called()
        self.before_operation(changes)
        if self.dead is not None:
            self.story.note(f"{self._tell_all(changes)}: refused, the store is dead")
            raise self.dead
        struck = self.fault is not None and self.fault.number == len(self.operations)
        kind = self.fault.kind if struck and not self.fault.happened else ""
        if kind:
            self._strike(kind, changes)
        self._apply(changes)
        if kind:
            self.story.note("an error after the effect", who="the disk")
        if kind == "unsure":
            self.dead = StoreFailed("the disk has failed")
            raise self.dead
        if kind == "late":
            raise KeyboardInterrupt
        return len(self.operations)

    def _strike(self, kind, changes):
        self.fault.happened = True
        if kind in STRUCK:
            who, what = STRUCK[kind]
            self.story.note(f"{what}; never happens: {self._tell_all(changes)}", who)
        if kind == "cut":
            self.dead = PowerCut(self._tell_all(changes))
        elif kind == "full":
            self.dead = DiskFull("there is no room left")
        elif kind == "failed":
            self.dead = StoreFailed("the disk has failed")
        elif kind == "interrupted":
            raise KeyboardInterrupt
        if self.dead is not None:
            raise self.dead

    def _apply(self, changes):
        self.operations.append(self._tell_all(changes))
        self.story.note(self.operations[-1])
        size = sum(len(value) for _, value in changes if value is not None)
        self.largest = max(self.largest, size)
        for key, value in changes:
            if value is None:
                self.data.pop(key, None)
                continue
            if self.judges_ids and key.startswith(self.work.CHUNK):
                self._judge_once(key, value)
            self.data[key] = self.written[key] = value

    def _judge_once(self, key, value):
        if key in self.written and (key not in self.data or self.data[key] != value):
            given = f"{self._tell(key)} is written, after: {self.operations[-2:][0]}"
            raise Halt(self.bad(given, "a new id for each upload", "a chunk that was there before"))

    def get(self, key):
        self._called()
        value = self.data.get(key)
        found = "" if value is not None else ": not there"
        self.story.note(lambda: f"get {self._tell(key)}{found}")
        self._others(self.after_read)
        return value

    def scan(self, prefix=b""):
        self._called()
        pairs = sorted(pair for pair in self.data.items() if pair[0].startswith(prefix))
        self.story.note(f"scan: {len(pairs)} entries")
        self._others(self.after_read)
        return iter(pairs)

    def put(self, key, value):
        writes.put(key, value)
        return self._operation([(key, value)])

    def delete(self, key):
        writes.delete(key)
        return self._operation([(key, None)])

    def write(self, batch):
        writes.batch(batch)
        return self._operation(list(batch.changes))

    def bad(self, given, expected, got, name="m", bucket=BUCKET):
        """A first bad event, with the picture of how it came about."""
        left = remains(self.work, self.data, self._tell, name, bucket)
        return FirstBad(given, expected, got, picture=self.story.picture(left, expected, got))

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
            return f"a chunk of upload {self.work.id_of(key).hex().lstrip('0') or '0'}"
        name = key[len(self.work.bucket_prefix(BUCKET)) :]
        return f"metadata of {name.decode(errors='replace')!r}"


def run(work, given, expected, act, *, but=()):
    """Let the learner's code run, with an end to its lines; what it raises is the bad event."""
    lines = 0

    def line(frame, event, _):
        nonlocal lines
        lines += event == "line"
        if lines > MAX_LINES:
            got = f"{MAX_LINES:,} lines and no end, now in line {frame.f_lineno}"
            raise Halt(FirstBad(given, expected, got))
        return line

    def trace(frame, event, _):
        return line if frame.f_code.co_filename == work.__file__ else None

    def nap(_seconds):
        raise Halt(FirstBad(given, expected, "a sleep: nothing here has to be waited for"))

    before = sys.gettrace()
    try:
        with raising_is_bad(work, given, expected, but=but), patch.object(time, "sleep", nap):
            sys.settrace(trace)
            return act()
    except Halt as halt:
        raise halt.bad from None
    finally:
        sys.settrace(before)


def objects_of(work, store, **options):
    """The learner's store of objects on this store."""
    make = lambda: work.ObjectStore(store, **options)  # noqa: E731
    return run(work, "ObjectStore(store)", "an object store", make)


def ids():
    """Object ids that count uploads: 1, 2, 3."""
    counter = itertools.count(1)
    return lambda: next(counter).to_bytes(16, "big")


def place(work, data, name, content, number, bucket=BUCKET):
    """Store an object without the learner's `put`."""
    object_id = (1000 + number).to_bytes(16, "big")
    starts = range(0, len(content), work.CHUNK_BYTES)
    for n, start in enumerate(starts):
        data[work.chunk_key(object_id, n)] = content[start : start + work.CHUNK_BYTES]
    data[work.meta_key(bucket, name)] = work.Meta(object_id, len(starts)).encode()
    return object_id


def remove(work, data, name):
    """Remove an object without the learner's `delete`, if it is there."""
    record = data.pop(work.meta_key(BUCKET, name), None)
    if record is not None:
        meta = work.Meta.decode(record)
        for n in range(meta.chunks):
            data.pop(work.chunk_key(meta.object_id, n), None)


def found(work, data, name, bucket=BUCKET):
    """What a reader finds: the content, that there is none, or what is wrong with it."""
    record = data.get(work.meta_key(bucket, name))
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


def expect_one_of(given, store, name, *legal):
    got = found(store.work, store.data, name)
    if got not in legal:
        expected = f"{name!r}: " + " or ".join(map(show, legal))
        raise store.bad(given, expected, show(got), name)


NEIGHBOURS = ((BUCKET, "mm"), (BUCKET, "m/x"), (BUCKET, "other"), ("models2", "m"), ("a", "m"))
"""Names that begin alike, one that does not, and the same name in other buckets."""


def objects_before(work, content=OLD):
    """An object m, and neighbours that no operation on m may touch."""
    data = {}
    place(work, data, "m", content, 1)
    for number, (bucket, name) in enumerate(NEIGHBOURS, start=2):
        place(work, data, name, OTHER, number, bucket)
    return data


def expect_neighbours(given, store):
    for bucket, name in NEIGHBOURS:
        if (got := found(store.work, store.data, name, bucket)) != OTHER:
            expected = f"{name!r} in {bucket!r} as it was: {show(OTHER)}"
            raise store.bad(given, expected, show(got), name, bucket)


def expect_clean(given, store, expected="no chunk left over"):
    if left := orphans(store.work, store.data):
        raise store.bad(given, expected, f"{len(left)} of them")


def strikes(work, data, act, what, kinds=("cut",)):
    """Run `act` with each kind of fault at each of its operations, and at last without any.

    Yields (given, store, objects, what was raised or None).
    """
    for kind in kinds:
        for number in itertools.count():
            fault = Fault(kind, number)
            store = CutStore(work, data, fault=fault)
            objects = objects_of(work, store, new_id=ids())
            raised = None
            told = f"{what}; {fault}"
            try:
                known = (PowerCut, StoreFailed, DiskFull, KeyboardInterrupt)
                run(work, told, "no error", lambda o=objects: act(o), but=known)
            except known as error:
                raised = error
            if not fault.happened:
                break
            done = "; ".join(store.operations[-6:]) or "nothing"
            cut = f": {raised}" if isinstance(raised, PowerCut) else ""
            yield f"{what}; done: {done}; {fault}{cut}", store, objects, raised
    yield f"{what}; done: {'; '.join(store.operations[-6:])}", store, objects, raised


def expect_told(given, store, raised):
    """A fault of the store must reach the caller, unless the work was done in spite of it."""
    if raised is None and store.fault.happened:
        got = "a return, as if all were well"
        raise store.bad(given, "the error of the store, passed on", got)


@contextmanager
def met(store, moment, act):
    """In here, `act` happens once, at the first moment of which `moment(store)` is true."""
    done = []

    def before_call(of):
        if not done and moment(of):
            done.append(True)
            act()

    store.before_call = before_call
    yield done
    store.before_call = None
