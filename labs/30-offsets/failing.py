"""The checks of task 4: attempts, dead letters, outages, and letters that are replayed."""

from __future__ import annotations

from veristack_lab.errors import BackendUnavailable, EmbeddingFailed
from veristack_lab.labs.checking import check, show

from .acting import run, strikes
from .applying import apply, expect
from .judging import Reader
from .world import Access, World, tell

OUTAGES = (BackendUnavailable, EmbeddingFailed)
BAD = "a text ! that is refused"


def process(work, world, event, given, wanted=None):
    """`process` once, by a process that begins now; what it returned."""
    told = f"process {tell(event)}, in a process that begins now"
    told = f"{given}; {told}" if given else told
    access = Access(world)
    got, _ = run(world, told, "True or False",
                 lambda: work.process(access.database, access.engine, event))  # fmt: skip
    if type(got) is not bool or wanted not in (None, got):
        raise world.bad(told, show(wanted) if wanted is not None else "True or False", show(got))
    return got


def begin(work, *events, before=()):
    """A world in which some events were processed already, and its reader."""
    world = World(work)
    reader = Reader(world, [*before, *events])
    for event in before:
        process(work, world, event, "", True)
    return world, reader


def until_parked(work, world, event, given, limit=None):
    """Process until it returns True; expects a dead letter. Returns it."""
    limit = limit or work.MAX_ATTEMPTS
    refusals = world.refusals
    for _ in range(limit):
        if process(work, world, event, given):
            break
    letter = expect_letter(world, event, given)
    if world.refusals - refusals > limit:
        expected = f"{limit} attempts at most, for {tell(event)}"
        raise world.bad(given, expected, f"{world.refusals - refusals} calls that were refused")
    return letter


def expect_letter(world, event, given):
    letters = [letter for letter in world.all("dead_letters") if letter.event == event]
    if len(letters) != 1:
        raise world.bad(given, f"one dead letter of {tell(event)}", f"{len(letters)}")
    return letters[0]


def expect_none(world, given):
    if letters := world.all("dead_letters"):
        raise world.bad(given, "no dead letter", show(letters))


@check("4", "a refused text: tried MAX_ATTEMPTS times, then parked with the reason")
def parked(work):
    old, event = work.Event("a", 1, "old"), work.Event("a", 2, BAD)
    world, reader = begin(work, event, before=[old])
    for number in range(1, work.MAX_ATTEMPTS + 1):
        last = number == work.MAX_ATTEMPTS
        given = f"attempt {number} of {work.MAX_ATTEMPTS}"
        process(work, world, event, given, last)
        if world.refusals != number:
            raise world.bad(given, "one call of the engine", f"{world.refusals} calls so far")
        if not last:
            expect_none(world, given)
        expect(world, reader, given, "a", "old")
    letter = expect_letter(world, event, "after the last attempt")
    wanted = (f"refusal {number}: a character that has no meaning", number)
    if wanted[0] not in str(letter.reason) or letter.attempts != wanted[1]:
        raise world.bad("the dead letter", f"reason and attempts: {wanted}", show(letter))


@check("4", "what is applied, or old, or a deletion, needs no attempt")
def settled(work):
    events = [work.Event("a", 2, "two"), work.Event("a", 1, BAD), work.Event("b", 1, None)]
    world, reader = begin(work, *events)
    for event in [*events, *events]:
        process(work, world, event, "", True)
    expect(world, reader, "a v2, then a v1", "a", "two")
    expect_none(world, "a v2, then a v1 with a text that would be refused")


@check("4", "refused once or twice, then taken: applied, and not parked")
def second_thoughts(work):
    event = work.Event("a", 1, BAD)
    world, reader = begin(work, event)
    world.refuses = lambda texts: world.refusals < work.MAX_ATTEMPTS - 1
    for _ in range(work.MAX_ATTEMPTS - 1):
        process(work, world, event, "", False)
    process(work, world, event, "the engine takes the text now", True)
    expect(world, reader, "the engine takes the text now", "a", BAD)
    expect_none(world, "the engine takes the text now")


@check("4", "attempts are counted for each version of each document by itself")
def each_by_itself(work):
    events = [work.Event("a", 1, BAD), work.Event("b", 1, BAD), work.Event("a", 2, BAD + "!")]
    world, _ = begin(work, *events)
    for number in range(1, work.MAX_ATTEMPTS + 1):
        for event in events:
            process(work, world, event, f"round {number}", number == work.MAX_ATTEMPTS)
    for event in events:
        expect_letter(world, event, f"{work.MAX_ATTEMPTS} rounds of three refused events")


@check("4", "parked and delivered again: no call of the engine, no second letter")
def again(work):
    event = work.Event("a", 1, BAD)
    world, _ = begin(work, event)
    until_parked(work, world, event, "parked")
    calls = len(world.embedded)
    for _ in range(3):
        process(work, world, event, "parked, then delivered again", True)
        expect_letter(world, event, "parked, then delivered again")
    if len(world.embedded) > calls:
        given = "parked, then delivered again three times"
        raise world.bad(given, "no call of the engine", f"{len(world.embedded) - calls} calls")


@check("4", "an outage is passed on and spends no attempt, however long it lasts")
def outages(work):
    for away in ("engine", "database"):
        for text in (BAD, "a good text"):
            event = work.Event("a", 1, text)
            world, reader = begin(work, event)
            for attempts in range(2 if text == BAD else 1):
                during_outage(work, world, event, away)
                if text == BAD:
                    process(work, world, event, f"the {away} is back", False)
                    expect_none(world, f"the {away} was away, then attempt {attempts + 1}")
            if text == BAD:
                until_parked(work, world, event, f"the {away} is back", work.MAX_ATTEMPTS - 2)
            else:
                process(work, world, event, f"the {away} is back", True)
                expect(world, reader, f"the {away} is back", "a", text)


def during_outage(work, world, event, away):
    world.away = {away}
    for _ in range(2 * work.MAX_ATTEMPTS):
        access, given = Access(world), f"process {tell(event)}, and the {away} is away"
        _, error = run(world, given, "the error, passed on",
                       lambda a=access: work.process(a.database, a.engine, event),
                       but=OUTAGES)  # fmt: skip
        if error is None:
            raise world.bad(given, "the error of the outage, passed on", "a return")
    world.away = set()
    expect_none(world, f"{2 * work.MAX_ATTEMPTS} attempts while the {away} is away")


@check("4", "the process dies at any call of any attempt: the count goes on, one letter")
def dies(work):
    event = work.Event("a", 1, BAD)
    act = lambda access: work.process(access.database, access.engine, event)  # noqa: E731
    for done in range(work.MAX_ATTEMPTS):

        def prepare(done=done):
            world, _ = begin(work, event)
            for _ in range(done):
                process(work, world, event, "", False)
            return world

        what = f"process {tell(event)}, after {done} attempts"
        for given, world, _, _ in strikes(work, prepare, act, what):
            until_parked(work, world, event, given, work.MAX_ATTEMPTS - min(done, 1))
            most = work.MAX_ATTEMPTS + 1  # one refusal may be forgotten with the process
            if world.refusals > most:
                raise world.bad(given, f"{most} attempts at most", str(world.refusals))


# ------------------------------------------------------------------- replay


def drained(work, world, given):
    """What a relay that begins now puts into the log, in its order."""
    before = [len(events) for events in world.events()]
    for _ in range(20):
        access = Access(world, "relay")
        count, _ = run(world, f"{given}; relay", "a number",
                       lambda a=access: work.relay(a.database, a.log, 100))  # fmt: skip
        if not count:
            break
    return [e for n, events in zip(before, world.events(), strict=True) for e in events[n:]]


def with_letter(work, *saves):
    """A world in which documents were saved and processed; the first letter, and the reader."""
    world = World(work)
    for document, text in saves:
        access = Access(world, "before")
        run(world, "save", "a version",
            lambda d=document, t=text, a=access: work.save(a.database, d, t))  # fmt: skip
    events = drained(work, world, "saved")
    reader = Reader(world, events)
    for event in events:
        for _ in range(work.MAX_ATTEMPTS):
            if process(work, world, event, ""):
                break
    letters = world.all("dead_letters")
    if len(letters) != 1:
        raise world.bad(f"{saves} saved and processed", "one dead letter", show(letters))
    return world, letters[0], reader


def replayed(work, world, letter, wanted, given="replay"):
    access = Access(world, "operator")
    got, _ = run(world, given, show(wanted), lambda: work.replay(access.database, letter))
    if got is not wanted:
        raise world.bad(given, show(wanted), show(got))


@check("4", "a replayed letter: gone from its table, announced once, with fresh attempts")
def replays(work):
    world, letter, _ = with_letter(work, ("a", "old"), ("a", BAD))
    replayed(work, world, letter, True)
    replayed(work, world, letter, False, "replay of the same letter, once more")
    expect_none(world, "replay")
    events = drained(work, world, "replay")
    if events != [letter.event]:
        raise world.bad("replay, and relay", f"the event as it was: {letter.event}", show(events))
    process(work, world, letter.event, "replay, the first attempt", False)
    for number in range(2, work.MAX_ATTEMPTS + 1):
        given = f"replay, and attempt {number}"
        process(work, world, letter.event, given, number == work.MAX_ATTEMPTS)
    expect_letter(world, letter.event, "replay, and refused again")


@check("4", "one letter is replayed, and the others stay")
def one_of_several(work):
    events = [work.Event(d, n, f"{BAD} {n}") for d, n in (("a", 1), ("a", 2), ("b", 1))]
    world, _ = begin(work, *events)
    for event in events:
        until_parked(work, world, event, "")
    replayed(work, world, expect_letter(world, events[0], "all parked"), True)
    sent = drained(work, world, "a v1 replayed")
    if sent != events[:1]:
        raise world.bad("a v1 replayed, of three letters", "its event", show(sent))
    for event in events[1:]:
        expect_letter(world, event, "a v1 replayed, of three letters")
        process(work, world, event, "a v1 replayed", True)


@check("4", "a replayed letter is applied when the engine takes its text by now")
def heals(work):
    world, letter, reader = with_letter(work, ("a", "old"), ("a", BAD))
    replayed(work, world, letter, True)
    world.refuses = lambda texts: False
    for event in drained(work, world, "replay"):
        process(work, world, event, "replay, and all is well", True)
    expect(world, reader, "replay, and all is well", "a", BAD)


@check("4", "a replayed letter overwrites nothing newer, and brings back nothing deleted")
def nothing_newer(work):
    for text in ("newer", None):
        for applied_first in (True, False):
            saves = [("a", "old"), ("a", BAD)]
            world, letter, reader = with_letter(work, *saves)
            newer = work.Event("a", 3, text)
            reader.know(newer)
            access = Access(world, "before")
            run(world, f"save('a', {text!r})", "3",
                lambda a=access, t=text: work.save(a.database, "a", t))  # fmt: skip
            if applied_first:
                for event in drained(work, world, "saved"):
                    process(work, world, event, "", True)
            world.refuses = lambda texts: False
            replayed(work, world, letter, True)
            given = f"{tell(newer)} saved, then v2 replayed, and all is well"
            for event in drained(work, world, given):
                process(work, world, event, given, True)
            expect(world, reader, given, "a", text)
            row = world.get("documents", "a")
            if row != newer:
                raise world.bad(given, f"{newer} in `documents`", show(row))


@check("4", "the process dies at any call of a replay: the letter is there, or its event goes out")
def replay_dies(work):
    letters = []

    def prepare():
        world, letter, _ = with_letter(work, ("a", "old"), ("a", BAD))
        letters.append(letter)
        return world

    act = lambda access: work.replay(access.database, letters[-1])  # noqa: E731
    for given, world, _, error in strikes(work, prepare, act, "replay"):
        there = letters[-1] in world.all("dead_letters")
        if error is None and there:
            raise world.bad(given, "the error, passed on, or the letter gone", "a return")
        events = drained(work, world, given)
        if events != ([] if there else [letters[-1].event]):
            expected = "no event: the letter is there" if there else "its event: the letter is gone"
            raise world.bad(given, expected, show(events))


@check("4", "one that applies while another worker has applied a newer version counts as done")
def overtaken(work):
    old, new = work.Event("a", 1, "old text"), work.Event("a", 2, "new text")
    world, reader = begin(work, old, new)
    seen = []

    def moment(access, told):
        if access.name == "worker" and told.startswith("embed") and not seen:
            seen.append(told)
            apply(work, Access(world, "other"), new)

    world.moment = moment
    process(work, world, old, "another worker applies a v2 while the engine works", True)
    expect(world, reader, "a v1, and meanwhile a v2", "a", "new text")
