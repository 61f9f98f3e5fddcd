"""The checks of lab 30: task 1 is here, the others in the modules imported below.

Laws are checked, not lists of calls: any table, key and order of calls will do that keeps them when
the process dies at any call, when what it called is away, and when another process acts in between.
"""

from __future__ import annotations

import os
import subprocess
import sys

from veristack_lab.errors import BackendUnavailable
from veristack_lab.labs.checking import FirstBad, bad, call, check, show

from . import applying as applying  # registers the checks of task 2
from . import counting as counting  # of task 3
from . import failing as failing  # of task 4
from . import working as working  # of task 5
from .acting import moments, run, strikes
from .world import Access, World, tell

ANSWER = "the version"


def saved(work, world, *saves):
    """Save (document, text), one after the other."""
    access = Access(world, "before")
    for document, text in saves:
        run(world, f"save(database, {document!r}, {show(text)})", ANSWER,
            lambda d=document, t=text: work.save(access.database, d, t))  # fmt: skip
    return world


def relay(work, access, limit=100):
    return work.relay(access.database, access.log, limit)


def relayed(work, world, given, limit=100):
    """Relay until nothing is left, as a process that begins now. The events in the log."""
    for _ in range(60):
        access = Access(world, "next")
        count, _ = run(world, f"{given}; relay", "a number", lambda a=access: relay(work, a, limit))
        if type(count) is not int:
            raise FirstBad("relay(database, log, limit)", "a number of events", show(count))
        if count == 0:
            return [event for events in world.events() for event in events]
    raise world.bad(f"{given}; relay, 60 times", "0 in the end: all was sent", show(count))


def expect_order(world, given):
    """Each document in one partition, and its versions in order, apart from repetitions."""
    places = {}
    for number, events in enumerate(world.events()):
        newest = {}
        for event in events:
            if places.setdefault(event.document, number) != number:
                expected = f"all of {event.document} in partition {places[event.document]}"
                raise world.bad(given, expected, f"{tell(event)} in partition {number}")
            before = newest.get(event.document, 0)
            again = event in events[: events.index(event)]
            if event.version > before + 1 and not again:
                expected = f"{event.document} v{before + 1} before v{event.version}"
                raise world.bad(given, expected, f"{[tell(e) for e in events]}")
            newest[event.document] = max(before, event.version)


def expect_all(world, given, events, wanted):
    """No event is missing, and none was made up."""
    for event in wanted:
        if event not in events:
            expected = f"{tell(event)} in the log: it was saved"
            raise world.bad(given, expected, f"only {[tell(e) for e in events]}")
    for event in events:
        if event not in wanted:
            raise world.bad(given, "what was saved, and nothing else", tell(event))


@check("1", "versions count up, behind a deletion too")
def versions(work):
    world, access = World(work), None
    for number, text in enumerate(("one", "two", None, "three", "three", None, None), start=1):
        access = Access(world)
        given = f"save(database, 'a', {text!r}), the document's {number}. time"
        act = lambda a=access, t=text: work.save(a.database, "a", t)  # noqa: E731
        got, _ = run(world, given, show(number), act)
        if got != number:
            raise world.bad(given, f"version {number}", show(got))
        if (row := world.get("documents", "a")) != work.Event("a", number, text):
            raise world.bad(given, f"{work.Event('a', number, text)} in `documents`", show(row))
    got, _ = run(world, "save(database, 'b', 'x')", "1",
                 lambda: work.save(access.database, "b", "x"))  # fmt: skip
    if got != 1:
        raise world.bad("save(database, 'b', 'x'), for the first time", "version 1", show(got))


@check("1", "document and announcement in one transaction, when the process dies at any call")
def both_or_neither(work):
    for text in ("new text", None):
        prepare = lambda: saved(work, World(work), ("a", "old text"))  # noqa: E731
        act = lambda access, t=text: work.save(access.database, "a", t)  # noqa: E731
        for given, world, _, error in strikes(work, prepare, act, f"save('a', {text!r})"):
            row = world.get("documents", "a")
            events = relayed(work, world, given)
            wanted = [work.Event("a", 1, "old text")]
            wanted += [work.Event("a", 2, text)] if row and row.version == 2 else []
            expect_all(world, given, events, wanted)
            if row != wanted[-1]:
                raise world.bad(given, f"a row {wanted[-1]}", show(row))
            if error is None:
                raise world.bad(given, "the error of the database, passed on", "a return")


@check("1", "two that save the same document at once get different versions")
def two_savers(work):
    act = lambda access: work.save(access.database, "a", "mine")  # noqa: E731
    other = lambda access: work.save(access.database, "a", "another's")  # noqa: E731
    prepare = lambda: saved(work, World(work), ("a", "old"))  # noqa: E731
    for given, world, got in moments(work, prepare, act, other, "save('a', 'mine')"):
        texts = {2: "mine", 3: "another's"} if got == 2 else {2: "another's", 3: "mine"}
        wanted = [work.Event("a", 1, "old"), *(work.Event("a", n, t) for n, t in texts.items())]
        expect_all(world, given, relayed(work, world, given), wanted)
        if (row := world.get("documents", "a")) != wanted[-1]:
            raise world.bad(given, f"{wanted[-1]} in `documents`", show(row))


NAMES = [f"{folder}/report-{number:04d}" for folder in ("ä", "tenant", "") for number in range(100)]
CODE = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("learners_work", sys.argv[1])
work = sys.modules["learners_work"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(work)
sys.__stdout__.write("\\n" + json.dumps([work.partition_of(name, 6) for name in sys.argv[2:]]))
"""


@check("1", "a document's partition is the same one in every process; all partitions are used")
def same_partition(work):
    for partitions in (1, 4, 6, 7):
        counts = [0] * partitions
        for name in NAMES:
            got = call(work, "partition_of", name, partitions, shape=int)
            if not 0 <= got < partitions:
                bad(f"a number from 0 to {partitions - 1}", show(got))
            counts[got] += 1
        if min(counts) < len(NAMES) / partitions / 3:
            given = f"partition_of, for 300 names and {partitions} partitions"
            bad("about as many documents in each", show(counts), given=given)
    mine = [work.partition_of(name, 6) for name in NAMES]
    for seed in ("1", "2"):
        for name, here, there in zip(NAMES, mine, elsewhere(work, seed), strict=True):
            if here != there:
                given = f"partition_of({name!r}, 6), in this process and in another one"
                raise FirstBad(given, "the same partition", f"{here} and {there}")


def elsewhere(work, seed):
    """The partitions as another process computes them; hash() differs there."""
    import json

    argv = [sys.executable, "-P", "-c", CODE, work.__file__, *NAMES]
    done = subprocess.run(
        argv, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, timeout=60
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["nothing"]
        raise FirstBad("partition_of, in another process", "a partition for each name", last[0])
    return json.loads(done.stdout.splitlines()[-1])


def busy(work, count=12):
    """A world with several versions of documents a to d, all waiting in the outbox."""
    saves = [("cabd"[n % 4], f"text {n}" if n % 5 else None) for n in range(count)]
    return saved(work, World(work), *saves)


def events_of(work, count=12):
    versions, events = {}, []
    for n in range(count):
        document = "cabd"[n % 4]
        versions[document] = versions.get(document, 0) + 1
        text = f"text {n}" if n % 5 else None
        events.append(work.Event(document, versions[document], text))
    return events


@check("1", "each document's events in order, the oldest first, at most `limit` a time")
def in_order(work):
    for limit in (1, 3, 100):
        world = busy(work)
        wanted, sent = events_of(work), []
        while len(sent) < len(wanted):
            access, before = Access(world), sum(map(len, world.events()))
            given = f"relay(database, log, {limit}), after {len(sent)} events"
            count, _ = run(world, given, "a number", lambda a=access, n=limit: relay(work, a, n))
            new = sum(map(len, world.events())) - before
            expected = min(limit, len(wanted) - len(sent))
            if count != expected or new != expected:
                got = f"{show(count)}, and {new} more events in the log"
                raise world.bad(given, f"{expected}, and as many in the log", got)
            sent = wanted[: len(sent) + expected]
            expect_all(world, given, [e for events in world.events() for e in events], sent)
            expect_order(world, given)


@check("1", "nothing is sent again that was marked, and an empty outbox sends nothing")
def not_again(work):
    world = busy(work)
    first = relayed(work, world, "all relayed")
    again = relayed(work, world, "relayed once more")
    if len(first) != len(again) or len(first) != 12:
        given = "relay until it returns 0, and once more"
        raise world.bad(given, "12 events, each once", f"{len(first)}, then {len(again)}")


@check("1", "the relay dies, or the log is away, at any call: sent again, never lost, never astray")
def never_lost(work):
    for limit in (2, 100):
        act = lambda access, n=limit: relay(work, access, n)  # noqa: E731
        what = f"relay(database, log, {limit})"
        for given, world, count, error in strikes(work, lambda: busy(work, 8), act, what):
            if error is None:
                # Tried again, perhaps: then what it says must be true.
                there = [event for events in world.events() for event in events]
                if missing := [e for e in events_of(work, 8)[:count] if e not in there]:
                    told = f"{given}; returned {count}"
                    raise world.bad(told, f"{tell(missing[0])} in the log", "the log without it")
            expect_order(world, given)
            events = relayed(work, world, given, limit)
            expect_all(world, given, events, events_of(work, 8))
            expect_order(world, given)


@check("1", "what is saved while the relay works is sent too; and two relays may work at once")
def meanwhile(work):
    late = work.Event("a", 3, "late"), work.Event("z", 1, "z")

    def save_two(access):
        for event in late:
            work.save(access.database, event.document, event.text)

    both = ("a document is saved", save_two, late), ("another relay", lambda a: relay(work, a), ())
    for what, intrude, more in both:
        for limit in (3, 100):
            act = lambda access, n=limit: relay(work, access, n)  # noqa: E731
            given = f"relay(database, log, {limit}), and meanwhile {what}"
            for told, world, _ in moments(work, lambda: busy(work, 8), act, intrude, given):
                events = relayed(work, world, told)
                expect_all(world, told, events, [*events_of(work, 8), *more])


@check("1", "a log that is away: BackendUnavailable, and all is there when it comes back")
def log_away(work):
    world, access = busy(work, 4), None
    world.away = {"log"}
    for _ in range(3):
        access = Access(world)
        given = "relay(database, log, 100), and the log is away"
        _, error = run(world, given, "BackendUnavailable", lambda a=access: relay(work, a),
                       but=(BackendUnavailable,))  # fmt: skip
        if error is None:
            raise world.bad(given, "BackendUnavailable", "a return")
    world.away = set()
    events = relayed(work, world, "the log is back")
    expect_all(world, "the log is back", events, events_of(work, 4))
