"""The checks of task 2: what a reader of the chunks finds, whatever happens to the worker."""

from __future__ import annotations

import itertools

from veristack_lab.errors import EmbeddingFailed, TextRefused
from veristack_lab.labs.checking import check, show

from .acting import moments, run, strikes
from .judging import Reader
from .world import Access, World, tell

TEXTS = ("first text, of three chunks", "second", "the third one, as long as it is")


def history(work, document="doc"):
    """Versions of a document: long, short, deleted, long again."""
    texts = (TEXTS[0], TEXTS[1], None, TEXTS[2])
    return [work.Event(document, version, text) for version, text in enumerate(texts, start=1)]


def apply(work, access, event):
    return work.apply(access.database, access.engine, event)


def once(work, world, event, given="", *, but=()):
    """Apply in a process that begins now; returns the error, if it is one of `but`."""
    access = Access(world)
    given = given or f"apply {tell(event)}"
    return run(world, given, "an end", lambda: apply(work, access, event), but=but)[1]


def applied(work, *events, known=()):
    """A world in which these events were applied, and its reader."""
    world = World(work)
    reader = Reader(world, [*events, *known])
    for event in events:
        given = f"apply {tell(event)}"
        once(work, world, event, given)
        expect(world, reader, given, event.document, event.text)
    return world, reader


def expect(world, reader, given, document, *texts):
    """Search finds one of these texts; None for nothing."""
    texts = [text or None for text in texts]
    if (got := reader.text(document)) not in texts:
        expected = " or ".join(show(text) if text else "nothing" for text in texts)
        raise world.bad(given, f"search finds of {document}: {expected}", show(got))


@check("2", "search finds the chunks of the new version, and none of the old one")
def replaced(work):
    for order in itertools.product((*TEXTS, "", None), repeat=3):
        applied(work, *(work.Event("a", n, text) for n, text in enumerate(order, start=1)))


@check("2", "other documents keep their chunks")
def neighbours(work):
    names = ("a", "ab", "a/b", "b", "")
    others = [work.Event(name, 5, f"the text of {name!r}") for name in names]
    for text in ("new", None):
        world, reader = applied(work, *others, known=[work.Event("a", 6, text)])
        event = work.Event("a", 6, text)
        once(work, world, event)
        for other in others[1:]:
            expect(world, reader, f"apply {tell(event)}", other.document, other.text)


@check("2", "in any order, each any number of times: the newest version stays; deleted is deleted")
def any_order(work):
    same = [work.Event("doc", n, text) for n, text in enumerate(("x", "y", "x", "x"), start=1)]
    for events in (history(work), same):
        for size in (2, 3, 4):
            for chosen in itertools.permutations(events, size):
                expect_newest(work, [*chosen, *chosen])
                expect_newest(work, [*chosen, *reversed(chosen)])


def expect_newest(work, events):
    world = World(work)
    reader, newest = Reader(world, events), None
    for event in events:
        given = f"apply in this order: {', '.join(map(tell, events))}; at {tell(event)}"
        once(work, world, event, given)
        newest = event if newest is None or event.version > newest.version else newest
        expect(world, reader, given, "doc", newest.text)


@check("2", "the same event again changes nothing and costs no call of the engine")
def same_again(work):
    for text in (TEXTS[0], None):
        event = work.Event("a", 2, text)
        world, reader = applied(work, work.Event("a", 1, "before"), event)
        calls = len(world.embedded)
        for again in (event, work.Event("a", 1, "before")):
            given = f"apply {tell(again)}, after {tell(event)}"
            once(work, world, again, given)
            if len(world.embedded) > calls:
                raise world.bad(given, "no call of the engine", "one")
            expect(world, reader, given, "a", text)


@check("2", "no transaction is open while the engine works")
def door_open(work):
    applied(work, *history(work))


@check("2", "the process dies, or something is away, at any call: the old version or the new one")
def every_call(work):
    events = history(work)
    for number, event in enumerate(events):
        prepare = lambda b=events[:number]: applied(work, *b, known=events)[0]  # noqa: E731
        act = lambda access, e=event: apply(work, access, e)  # noqa: E731
        old = events[number - 1].text if number else None
        for given, world, _, error in strikes(work, prepare, act, f"apply {tell(event)}"):
            may_be = (old, event.text) if error is not None else (event.text,)
            expect(world, world.reader, given, "doc", *may_be)
            once(work, world, event, f"{given}; once more")
            expect(world, world.reader, f"{given}; once more", "doc", event.text)


@check("2", "another worker at any moment: no older version over a newer one, none mixed")
def two_workers(work):
    events = history(work)
    for mine, other in itertools.permutations(events, 2):
        for before in ([], events[:1]):
            prepare = lambda b=before: applied(work, *b, known=events)[0]  # noqa: E731
            act = lambda access, e=mine: apply(work, access, e)  # noqa: E731
            intrude = lambda access, e=other: apply(work, access, e)  # noqa: E731
            what = f"apply {tell(mine)}, and meanwhile another worker {tell(other)}"
            newest = max((mine, other, *before), key=lambda e: e.version)
            for given, world, _ in moments(work, prepare, act, intrude, what):
                expect(world, world.reader, given, "doc", newest.text)
                for late in events:
                    if late.version < newest.version:
                        once(work, world, late, f"{given}; then {tell(late)}")
                told = f"{given}; then all older ones"
                expect(world, world.reader, told, "doc", newest.text)


@check("2", "a version that comes again with another text is another event")
def other_content(work):
    for first, second in itertools.permutations((TEXTS[0], TEXTS[1], None), 2):
        events = [work.Event("a", 1, "v1"), work.Event("a", 2, first), work.Event("a", 2, second)]
        world = World(work)
        for event in events:
            given = f"apply {show(event)}: the source came back from an old backup"
            once(work, world, event, given)
            expect(world, Reader(world, events), given, "a", event.text)


@check("2", "an error of the engine is passed on, and changes nothing")
def passed_on(work):
    events = [*history(work)[:2], work.Event("doc", 3, "a text ! that is refused")]
    for away, kind in (((), TextRefused), (("engine",), EmbeddingFailed)):
        world, reader = applied(work, *events[:2], known=events)
        world.away = set(away)
        for _ in range(2):
            given = f"apply {tell(events[2])}, and the engine raises {kind.__name__}"
            if once(work, world, events[2], given, but=(kind,)) is None:
                raise world.bad(given, f"{kind.__name__}, passed on", "a return")
            expect(world, reader, given, "doc", events[1].text)
        world.away, world.refuses = set(), lambda texts: False
        given = f"apply {tell(events[2])} once more, and all is well"
        once(work, world, events[2], given)
        expect(world, reader, given, "doc", events[2].text)
