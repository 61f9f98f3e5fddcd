"""The world of the checks: tables, log, engine and group in memory, and what may happen to them.

Every call of the learner's code to a given interface is a moment. At each, the process may die,
what was called may be away, or another process may act first.
"""

from __future__ import annotations

import copy
import zlib
from dataclasses import dataclass

from veristack_lab.errors import BackendUnavailable, EmbeddingFailed, TextRefused
from veristack_lab.labs.checking import FirstBad, show
from veristack_lab.labs.pictures import of_events

from .broker import Group, Partition
from .memory import forget

MAX_CALLS = 20_000
"""Nothing here needs a tenth of them; what needs more turns in a circle."""
TOLD = 8
POISON = "!"
"""A text with this character is refused by the engine."""
_GONE = object()


class Crash(BaseException):
    """The process dies. Not an Exception: no `except Exception` may live on after it."""


class Halt(BaseException):
    """The check has seen enough; carries the first bad event past the learner's `except`."""

    def __init__(self, bad):
        super().__init__(str(bad))
        self.bad = bad


@dataclass
class Fault:
    """What becomes of one call.

    Its kind is "crash" (before the call), "late crash" (when it has happened), "away" (it does not
    happen; of a flush, half does) or "unsure" (it has happened, and no answer says so).
    """

    kind: str
    number: int
    """Of the call, counted from 0."""
    struck: str = ""
    """The call that it has struck."""

    def __str__(self):
        words = {
            "crash": "the process dies just before",
            "late crash": "the process dies just after",
            "away": "the server does not answer in",
            "unsure": "all is done, but no answer comes, in",
        }
        return f"{words[self.kind]} call {self.number + 1}: {self.struck}"


class World:
    """What outlives every process of the learner's code.

    Args:
        work: the learner's module.
        partitions: of the log.
        gap: the log leaves out one offset after each `gap` of them; 0 for none.
    """

    def __init__(self, work, *, partitions=2, gap=0):
        self.work, self.tables, self.serial = work, {}, 0
        self.log = [Partition(gap) for _ in range(partitions)]
        self.group = Group(self)
        self.rows, self.open, self.fault, self.calls = [], None, None, 0
        self.away = set()
        """Of "database", "log", "engine" and "group"."""
        self.refuses = lambda texts: POISON in "".join(texts)
        self.refusals = 0
        self.embedded = []
        self.moment = lambda access, told: None
        """Called before each call that is outside of a transaction: others act here."""
        self.after_commit = lambda changed: None
        self.reader = None
        self.picture = None
        """Draws the picture of a bad event; by default the events in order."""

    def note(self, who, what):
        self.rows.append((who, what))

    def refuse(self, given, expected, got):
        """Something must not be: ends the check, past whatever the learner's code catches."""
        raise Halt(self.bad(given, expected, got))

    def bad(self, given, expected, got):
        told = "; ".join(what for _, what in self.rows[-TOLD:])
        rows = [*self.rows, ("", f"expected {expected}, got {got}")]
        if self.picture is not None:
            picture = self.picture()
        else:
            picture = of_events("what was called, in order", rows, len(rows) - 1)
        given = f"{given}; in order: {told}" if told else given
        return FirstBad(given, expected, got, picture=picture)

    def get(self, table, key):
        return self.tables.get(table, {}).get(key)

    def all(self, table):
        return list(self.tables.get(table, {}).values())

    def events(self):
        """The events in the log, by partition."""
        return [[event for _, event in partition.records] for partition in self.log]


class Access:
    """What one process sees of the world. It may die; then each further call raises Crash."""

    def __init__(self, world, name="worker"):
        self.world, self.name, self.dead = world, name, False
        forget(world.work)
        self.database, self.engine, self.log = Database(self), Engine(self), LogOf(self)

    def call(self, dependency, told, effect=lambda: None):
        """One call of the learner's code, with whatever happens to it."""
        world = self.world
        world.calls += 1
        if world.calls > MAX_CALLS:
            world.refuse("this check", "an end", f"{MAX_CALLS:,} calls, and no end")
        if not self.dead and world.open is None:
            world.moment(self, told)
        if self.dead:
            raise Crash
        kind = self._strikes(told)
        if kind == "crash":
            self.die(f"dies before: {told}")
        if kind == "away" or dependency in world.away:
            world.note(self.name, f"{told} (does not answer)")
            raise outage(dependency)
        world.note(self.name, told)
        try:
            return effect()
        finally:
            # These come instead of the answer, and of an error of the call.
            if kind == "late crash":
                self.die("dies")
            if kind == "unsure":
                world.note(self.name, "... no answer comes")
                raise outage(dependency)

    def _strikes(self, told):
        fault, number = self.world.fault, self.world.calls - 1
        if fault is None or fault.struck or fault.number != number:
            return ""
        fault.struck = told
        return fault.kind

    def die(self, told):
        self.dead = True
        self.world.note(self.name, told)
        raise Crash


def outage(dependency):
    if dependency == "engine":
        return EmbeddingFailed("the engine does not answer")
    return BackendUnavailable(f"the {dependency} does not answer")


class Database:
    """Given to the learner's code."""

    def __init__(self, access):
        self._access = access

    def transaction(self):
        return Transaction(self._access)


class Transaction:
    """Reads what is committed and what it wrote itself; writes at its end, or nothing."""

    def __init__(self, access):
        self._access, self._world = access, access.world
        self._writes, self._state = {}, "not begun"

    def __enter__(self):
        if self._world.open is not None:
            got = "a transaction while another is open: it waits for ever"
            self._world.refuse("database.transaction()", "one after the other", got)
        self._access.call("database", "a transaction begins")
        self._world.open, self._state = self, "open"
        return self

    def __exit__(self, kind, error, trace):
        self._state = "over"
        try:
            if kind is None:
                changed = sorted({table for table, _ in self._writes})
                told = f"commit: {', '.join(changed) or 'nothing'}"
                self._access.call("database", told, self._commit)
            else:
                self._world.note(self._access.name, f"rollback: {kind.__name__}")
        finally:
            self._world.open = None
        return False

    def _commit(self):
        for (table, key), row in self._writes.items():
            rows = self._world.tables.setdefault(table, {})
            if row is _GONE:
                rows.pop(key, None)
            else:
                rows[key] = row
        self._world.after_commit(set(self._writes))

    def _call(self, told):
        if self._state != "open":
            self._world.refuse(told, "calls in the `with` block", f"one when it was {self._state}")
        self._access.call("database", told)

    def _rows(self, table):
        rows = dict(self._world.tables.get(table, {}))
        for (of, key), row in self._writes.items():
            if of == table:
                rows[key] = row
        return {key: row for key, row in rows.items() if row is not _GONE}

    def get(self, table, key):
        self._call(f"get {table} {key!r}")
        row = self._writes.get((table, key), self._world.get(table, key))
        return None if row is _GONE else copy.deepcopy(row)

    def put(self, table, key, row):
        self._call(f"put {table} {key!r}")
        self._require_shape(table, key, row)
        self._writes[table, key] = copy.deepcopy(row)

    def _require_shape(self, table, key, row):
        work = self._world.work
        kinds = {"chunks": work.Chunk, "dead_letters": work.DeadLetter, "documents": work.Event}
        if table in kinds and not isinstance(row, kinds[table]):
            expected = f"a {kinds[table].__name__} in `{table}`"
            self._world.refuse(f"put({table!r}, {key!r}, row)", expected, show(row))
        fits = type(key) is tuple and len(key) == 2 and type(key[1]) is int
        if table == "chunks" and not fits:
            self._world.refuse("put('chunks', key, row)", "(document, number) as key", show(key))

    def add(self, table, row):
        self._call(f"add to {table}")
        self._world.serial += 1
        self._require_shape(table, self._world.serial, row)
        self._writes[table, self._world.serial] = copy.deepcopy(row)
        return self._world.serial

    def delete(self, table, key):
        self._call(f"delete {table} {key!r}")
        self._writes[table, key] = _GONE

    def scan(self, table):
        self._call(f"scan {table}")
        pairs = copy.deepcopy(list(self._rows(table).items()))
        return sorted(pairs, key=lambda pair: pair[0])


class Engine:
    """Given to the learner's code."""

    def __init__(self, access):
        self._access = access

    def embed(self, texts):
        world = self._access.world
        if type(texts) is not list or not all(type(text) is str for text in texts):
            world.refuse("engine.embed(texts)", "a list of str", show(texts))
        if world.open is not None:
            got = "one that is open: every other worker waits for it"
            world.refuse(f"embed {show(texts)}", "no transaction while the engine works", got)
        return self._access.call("engine", f"embed {show(texts)}", lambda: self._embed(texts))

    def _embed(self, texts):
        world = self._access.world
        world.embedded.append(list(texts))
        if world.refuses(texts):
            world.refusals += 1
            raise TextRefused(f"refusal {world.refusals}: a character that has no meaning")
        return [vector_of(text) for text in texts]


def vector_of(text):
    return [float(len(text)), float(zlib.crc32(text.encode()))]


class LogOf:
    """Given to the learner's code: the log, as one process sees it."""

    def __init__(self, access):
        self._access, self._buffer = access, []

    @property
    def partitions(self):
        return len(self._access.world.log)

    def send(self, partition, event):
        world = self._access.world
        if type(partition) is not int or not 0 <= partition < self.partitions:
            world.refuse("log.send(partition, event)", "a partition from 0 on", show(partition))
        if not isinstance(event, world.work.Event):
            world.refuse("log.send(partition, event)", "an Event", show(event))
        told = f"send {tell(event)} to partition {partition}"
        self._access.call("log", told, lambda: self._buffer.append((partition, event)))

    def flush(self):
        buffer, self._buffer = self._buffer, []
        try:
            self._access.call("log", f"flush: {len(buffer)} events", lambda: self._arrive(buffer))
        except BackendUnavailable:
            fault = self._access.world.fault
            if fault is not None and fault.kind == "away":
                self._arrive(buffer[: len(buffer) // 2])  # a part is there
            raise

    def _arrive(self, buffer):
        for partition, event in buffer:
            self._access.world.log[partition].append(event)


def tell(event):
    """An event in a few words."""
    return f"{event.document} v{event.version}" + (" (deleted)" if event.text is None else "")
